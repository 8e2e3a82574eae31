"""A service in memory that workers report to, and what they send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import attrs

from adapters.livekit.report_reader import LiveKitReportReader
from adapters.memory.storage import MemoryStorage
from domain.access.access import SYSTEM
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind
from domain.reports.announce import Announce
from domain.reports.doubtful_audio import DoubtfulAudio
from domain.reports.keep_report import KeepReport
from domain.reports.match_reports import MatchReports
from domain.reports.post_report import PostReport
from domain.reports.receive_report import ReceiveReport
from domain.reports.report import Report
from domain.sessions.session import Session
from domain.shared.errors import DomainError
from domain.shared.recording_errors import RecordingStoreUnavailable
from domain.usage.read_usage import ReadUsage
from entrypoints.presenters.reports import EventData
from tests.reports import ITEMS, OGG, a_header, chat_history
from tests.unit.worlds.fakes import FakeClock, SequentialIds


class MemoryStore:
    """Audio by key. ``fails``: it takes nothing."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fails = False

    async def put(self, key: str, chunks: AsyncIterator[bytes], _type: str) -> int:
        data = b"".join([chunk async for chunk in chunks])
        if self.fails:
            raise RecordingStoreUnavailable("The bucket is down.")
        self.objects[key] = data
        return len(data)

    async def delete(self, key: str) -> None:
        self.objects.pop(key, None)


async def chunked(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        await asyncio.sleep(0)
        yield data[start : start + size]


@attrs.define
class Desk:
    """The use cases on one ledger in memory."""

    store: MemoryStore | None = attrs.field(factory=MemoryStore)
    clock: FakeClock = attrs.field(factory=FakeClock)
    ids: SequentialIds = attrs.field(factory=SequentialIds)
    ledger: Any = attrs.field()

    @ledger.default
    def _empty(self) -> MemoryStorage:
        return MemoryStorage(
            Announcer(
                ids=self.ids, clock=self.clock, present=lambda _: "{}", grace=timedelta(seconds=1)
            )
        )

    doubtful: DoubtfulAudio = attrs.field()

    @doubtful.default
    def _none(self) -> DoubtfulAudio:
        return DoubtfulAudio(unit_of_work=self._unit_of_work, clock=self.clock, ids=self.ids)

    def _unit_of_work(self) -> Any:
        return self.ledger.unit_of_work()  # which a test may have replaced

    @property
    def keep_report(self) -> KeepReport:
        return KeepReport(
            unit_of_work=self.ledger.unit_of_work,
            announce=self._announce,
            clock=self.clock,
            ids=self.ids,
        )

    @property
    def _announce(self) -> Announce:
        return Announce(EventData(), ReadUsage(self.ledger.unit_of_work, None))

    @property
    def receive(self) -> ReceiveReport:
        return ReceiveReport(
            reader=LiveKitReportReader(),
            store=self.store,  # type: ignore[arg-type] # what is used of it
            keep_report=self.keep_report,
            doubtful_audio=self.doubtful,
        )

    @property
    def match(self) -> MatchReports:
        return MatchReports(
            unit_of_work=self.ledger.unit_of_work, announce=self._announce, clock=self.clock
        )

    @property
    def post(self) -> PostReport:
        return PostReport(reader=LiveKitReportReader(), keep_report=self.keep_report)

    async def begin(self, session: Session) -> Session:
        async with self.ledger.unit_of_work() as work:
            await work.sessions.add(session)
            await work.commit()
        return session

    async def upload(
        self, *, parts: Mapping[str, bytes] | None = None, order: str = "hca", **header: Any
    ) -> Report:
        """What a worker uploads, its parts in the ``order`` of their first letters."""
        given = {
            "header": a_header(**header),
            "chat_history": chat_history(),
            "audio": OGG,
            **(parts or {}),
        }
        incoming = self.receive.begin()
        try:
            for letter in order:
                if letter == "h":
                    incoming.take_header(given["header"])
                elif letter == "c":
                    await incoming.take_chat_history(given["chat_history"])
                else:
                    await incoming.take_audio(chunked(given["audio"]))
            return await incoming.keep()
        finally:
            await incoming.abandon()

    async def later(self, seconds: float) -> int:
        """How many reports are matched so much later."""
        self.clock.advance(timedelta(seconds=seconds))
        return await self.match()

    async def items(self, session: Session) -> list[str]:
        """The texts of the session's transcript."""
        slices = self.ledger.transcripts.of_session(session.id, SYSTEM)
        return [item.text or "" async for items in slices for item in items]

    async def events(self) -> list[EventKind]:
        """The kinds of the events that reports have brought."""
        found = await self.ledger.outbox.after(0, 1000)
        return [event.kind for event in found if event.source == "worker"]

    async def erase(self) -> None:
        """Settle doubtful audio, and delete what is marked as erased."""
        await self.doubtful.settle()
        for recording in await self.ledger.recordings.marked(100):
            assert self.store is not None
            await self.store.delete(recording.key)
            await self.ledger.recordings.remove(recording.id)

    def stored(self) -> list[bytes]:
        return [] if self.store is None else [*self.store.objects.values()]


ANNOUNCED = [EventKind.TRANSCRIPT_READY, EventKind.USAGE_READY, EventKind.RECORDING_READY]
__all__ = ["ANNOUNCED", "ITEMS", "OGG", "Desk", "DomainError", "MemoryStore", "chunked"]
