"""Receive what a worker uploads when its session ends, part by part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import attrs

from domain.recordings.recording import DEFAULT_TYPE, RecordingSource, may_record, recording_key
from domain.recordings.store import RecordingStore
from domain.reports.decide_report import Audio, NewReport
from domain.reports.doubtful_audio import DoubtfulAudio
from domain.reports.find_session import find_session
from domain.reports.header import ReportHeader, ReportReader
from domain.reports.keep_report import KeepReport
from domain.reports.report import Part, Report
from domain.shared.errors import DomainError
from domain.shared.report_errors import InvalidReport
from domain.transcripts.item import TranscriptItem
from domain.transcripts.read_chat_history import items_of

_OGG: Final = b"OggS"
"""How every page of an Ogg stream begins (RFC 3533, 6)."""


@attrs.frozen(kw_only=True)
class ReceiveReport:
    """Begins uploads. ``store`` is where audio is kept; None: it is not."""

    reader: ReportReader
    store: RecordingStore | None
    keep_report: KeepReport
    doubtful_audio: DoubtfulAudio

    def begin(self) -> IncomingReport:
        """Return an upload of which nothing has come."""
        return IncomingReport(receive=self)


@attrs.define(kw_only=True)
class IncomingReport:
    """One upload, whose parts come in any order; of two with one name the first counts.

    Nothing is kept until :meth:`keep` has returned. The caller that has begun it calls that or
    :meth:`abandon`.
    """

    receive: ReceiveReport
    problems: list[str] = attrs.field(factory=list, init=False)
    """What was wrong and is left out; the rest is kept."""
    _header: ReportHeader | None = attrs.field(default=None, init=False)
    _items: list[TranscriptItem] = attrs.field(factory=list, init=False)
    _transcript: Part = attrs.field(default=Part.ABSENT, init=False)
    _audio: Audio | None = attrs.field(default=None, init=False)
    _audio_part: Part = attrs.field(default=Part.ABSENT, init=False)

    def take_header(self, body: bytes) -> None:
        """Read the part ``header``. Raises ``InvalidReport``: nothing else says what it is."""
        if self._header is None:
            self._header = self.receive.reader.header(body)

    async def take_chat_history(self, body: bytes) -> None:
        """Read the part ``chat_history``; an unreadable one costs the transcript only.

        The worker would not send it again, and audio and usage would be lost with it.
        """
        if self._transcript is not Part.ABSENT:
            return
        try:
            raw = await self.receive.reader.chat_history(body)
            self._items = await asyncio.to_thread(items_of, raw)
        except InvalidReport as error:
            self._transcript = Part.UNREADABLE
            self.problems.append(str(error))
        except Exception as error:  # noqa: BLE001 - a defect, which each repetition would meet
            self._transcript = Part.UNREADABLE
            self.problems.append(f"The part 'chat_history' cannot be read: {type(error).__name__}.")
        else:
            self._transcript = Part.KEPT

    async def take_audio(self, chunks: AsyncIterator[bytes]) -> None:
        """Store the part ``audio`` as it comes, unless it is not to be kept or is no Ogg stream.

        Whatever is not stored is read to its end. Raises ``RecordingStoreUnavailable``, and what
        ``chunks`` raises where the upload is cut short.
        """
        store = self.receive.store
        if self._audio_part is not Part.ABSENT or store is None or await self._is_unwanted():
            if self._audio_part is Part.ABSENT:
                self._audio_part = Part.DROPPED
            await _drain(chunks)
            return
        begin = b""
        async for chunk in chunks:
            begin += chunk
            if len(begin) >= len(_OGG):
                break
        if not begin:
            return
        if not begin.startswith(_OGG):
            self._audio_part = Part.UNREADABLE
            self.problems.append("The part 'audio' is no Ogg stream.")
            await _drain(chunks)
            return
        recording_id = self.receive.keep_report.ids.recording_id()
        key = recording_key(RecordingSource.REPORT, recording_id, DEFAULT_TYPE)
        self._audio = Audio(id=recording_id, key=key, size=0)
        size = await store.put(key, _joined(begin, chunks), DEFAULT_TYPE)
        self._audio = attrs.evolve(self._audio, size=size)
        self._audio_part = Part.KEPT

    async def keep(self) -> Report:
        """Return the report once it, and all that came with it, is durable.

        A repetition returns the report that is kept already. Raises ``InvalidReport``, or
        ``StorageUnavailable``: then it may be kept or not, and the worker sends it again.
        """
        if self._header is None:
            raise InvalidReport("The upload has no part 'header', which says whose report it is.")
        new = NewReport(
            header=self._header,
            items=self._items,
            transcript=self._transcript,
            audio=self._audio,
            audio_part=self._audio_part,
        )
        audio = self._audio
        try:
            kept = await self.receive.keep_report(new, self._hand_over)
        except BaseException:
            if audio is not None and self._audio is None:
                self.receive.doubtful_audio.add(audio)
            raise
        self._audio = audio if kept.audio is None else None
        await self.abandon()
        return kept.report

    def _hand_over(self) -> None:
        """Leave the audio to the ledger: it is in use if the commit gets through."""
        self._audio = None

    async def abandon(self) -> None:
        """Delete the audio that was stored; what cannot be deleted is swept later."""
        audio, self._audio = self._audio, None
        if audio is not None and self.receive.store is not None:
            with suppress(DomainError):
                await self.receive.store.delete(audio.key)

    async def _is_unwanted(self) -> bool:
        """Whether the report has its audio, or its session is known and forbids to record it."""
        if self._header is None:
            return False
        keep = self.receive.keep_report
        async with keep.unit_of_work() as work:
            earlier = await work.reports.of_job(self._header.room_sid, self._header.job_id)
            if earlier is not None and earlier.audio is Part.KEPT:
                return True
            report = keep.decide.draft(self._header)
            session = await find_session(work, report, report.received_at)
        return session is not None and not may_record(session)


async def _joined(begin: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begin
    async for chunk in rest:
        yield chunk


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass
