"""Uploads: kept once, whole, and as far as they can be read."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.reports.decide_report import NewReport
from domain.reports.keep_report import KeepReport
from domain.reports.report import Part, Report
from domain.shared.errors import StorageUnavailable
from domain.shared.recording_errors import RecordingStoreUnavailable
from domain.shared.report_errors import InvalidReport
from tests.contract.storage.ledgers import new_session
from tests.reports import ITEMS, OGG, ROOM_SID, a_header, chat_history
from tests.unit.reports.reported import ANNOUNCED, Desk, chunked

TEXTS = ["When do you open?", "At nine."]


async def test_an_upload_brings_transcript_usage_and_audio_to_its_session() -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID, tenant="ann"))

    report = await desk.upload()

    assert (report.session_id, report.tenant) == (session.id, "ann")
    assert (report.transcript, report.audio) == (Part.KEPT, Part.KEPT)
    assert await desk.items(session) == TEXTS
    assert desk.stored() == [OGG]
    async with desk.ledger.unit_of_work() as work:
        [usage] = await work.usage.of_session(session.id, SYSTEM)
        [recording] = await work.recordings.of_session(session.id, SYSTEM)
    assert (usage.model, usage.input_tokens) == ("gpt-4o-mini", 120)
    assert (recording.size, recording.duration) == (len(OGG), timedelta(seconds=4))
    assert await desk.events() == ANNOUNCED


@pytest.mark.parametrize("order", ["".join(order) for order in itertools.permutations("hca")])
async def test_parts_may_come_in_any_order(order: str) -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))

    await desk.upload(order=order)

    assert (await desk.items(session), desk.stored()) == (TEXTS, [OGG])


@pytest.mark.parametrize(("order", "lost"), [("ca", InvalidReport), ("", InvalidReport)])
async def test_without_a_header_nothing_is_kept(order: str, lost: type[Exception]) -> None:
    desk = Desk()

    with pytest.raises(lost):
        await desk.upload(order=order)

    assert (desk.stored(), desk.ledger.reports.by_id) == ([], {})


async def test_of_two_parts_with_one_name_the_first_counts() -> None:
    desk = Desk()
    await desk.begin(new_session(room_sid=ROOM_SID))
    incoming = desk.receive.begin()
    for sid in (ROOM_SID, "RM_other"):
        incoming.take_header(a_header(room_sid=sid))
    for items in (ITEMS, []):
        await incoming.take_chat_history(chat_history(items))
    for audio in (OGG, b"OggSother"):
        await incoming.take_audio(chunked(audio))

    report = await incoming.keep()

    assert (report.room_sid, report.transcript) == (ROOM_SID, Part.KEPT)
    assert desk.stored() == [OGG]


@pytest.mark.parametrize(
    "history",
    [
        b"",
        b"{",
        b"[]",
        b'{"items": 7}',
        b'{"items": [{"id": "\xff"}]}',
        b"[" * 100_000,
        b'{"items": [' + b"{}," * 100_000 + b"{}]}",
        b'{"items": [' + b"{}," * 2_000_000 + b"{}]}",
    ],
    ids=["empty", "cut", "a list", "no items", "no UTF-8", "deep", "items", "values"],
)
async def test_an_unreadable_chat_history_costs_the_transcript_only(history: bytes) -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))

    report = await desk.upload(parts={"chat_history": history})

    assert (report.transcript, report.audio) == (Part.UNREADABLE, Part.KEPT)
    assert await desk.items(session) == []
    assert await desk.events() == ANNOUNCED[1:]


async def test_a_defect_in_reading_the_chat_history_costs_the_transcript_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    await desk.begin(new_session(room_sid=ROOM_SID))

    def broken(_: object) -> None:
        raise OverflowError

    monkeypatch.setattr("domain.reports.receive_report.items_of", broken)

    report = await desk.upload()

    assert (report.transcript, report.audio) == (Part.UNREADABLE, Part.KEPT)
    assert await desk.events() == ANNOUNCED[1:]


async def test_audio_that_is_no_ogg_is_left_out() -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))

    report = await desk.upload(parts={"audio": b"RIFF....WAVE"})

    assert (report.audio, desk.stored()) == (Part.UNREADABLE, [])
    assert await desk.items(session) == TEXTS


@pytest.mark.parametrize("order", ["hca", "ach"])
async def test_audio_of_a_session_that_opted_out_is_not_kept(order: str) -> None:
    desk = Desk()
    config = AgentConfig.parse({"record": False})
    await desk.begin(new_session(room_sid=ROOM_SID, agent_config=config))

    report = await desk.upload(order=order)

    assert (report.audio, desk.stored()) == (Part.DROPPED, [])


async def test_without_a_store_audio_is_dropped() -> None:
    desk = Desk(store=None)

    report = await desk.upload()

    assert report.audio is Part.DROPPED


async def test_an_upload_for_a_session_that_was_deleted_brings_nothing_back() -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))
    first = await desk.upload(parts={"audio": b""})
    desk.ledger.sessions.erase([session.id.value])

    again = await desk.upload(parts={"chat_history": chat_history([{**ITEMS[0], "id": "x"}])})

    assert again == first
    assert desk.stored() == []


async def test_audio_that_is_kept_is_not_stored_again() -> None:
    desk = Desk()
    await desk.begin(new_session(room_sid=ROOM_SID))
    await desk.upload()
    assert desk.store is not None
    desk.store.fails = True

    assert (await desk.upload()).audio is Part.KEPT


async def test_a_repeated_upload_changes_nothing() -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))
    first = await desk.upload()

    again = await desk.upload()

    assert again == attrs.evolve(first, version=again.version)
    assert (await desk.items(session), desk.stored()) == (TEXTS, [OGG])
    assert await desk.events() == ANNOUNCED


async def test_uploads_at_once_become_one_report() -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))

    reports = await asyncio.gather(*(desk.upload() for _ in range(4)))

    assert len({report.id for report in reports}) == 1
    assert (await desk.items(session), desk.stored()) == (TEXTS, [OGG])
    assert await desk.events() == ANNOUNCED


async def test_audio_that_only_a_later_upload_brings_is_added() -> None:
    desk = Desk()
    await desk.begin(new_session(room_sid=ROOM_SID))
    await desk.upload(order="hc")

    report = await desk.upload()

    assert (report.audio, desk.stored()) == (Part.KEPT, [OGG])
    assert await desk.events() == ANNOUNCED


async def test_an_upload_that_is_cut_short_leaves_nothing() -> None:
    desk = Desk()
    incoming = desk.receive.begin()
    incoming.take_header(a_header())

    async def broken() -> AsyncIterator[bytes]:
        yield OGG
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await incoming.take_audio(broken())
    await incoming.abandon()

    assert (desk.stored(), desk.ledger.reports.by_id) == ([], {})


async def test_a_store_that_fails_loses_no_report() -> None:
    desk = Desk()
    assert desk.store is not None
    desk.store.fails = True

    with pytest.raises(RecordingStoreUnavailable):
        await desk.upload()

    assert desk.ledger.reports.by_id == {}


async def test_audio_stays_when_it_is_not_known_whether_the_report_was_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The commit may have got through, and the recording then refers to it."""
    desk = Desk()

    async def lost(_: KeepReport, __: NewReport, before_commit: Callable[[], None]) -> Report:
        before_commit()
        raise StorageUnavailable("The connection was lost.")

    monkeypatch.setattr("domain.reports.keep_report.KeepReport.__call__", lost)

    with pytest.raises(StorageUnavailable):
        await desk.upload()

    assert desk.stored() == [OGG]


@pytest.mark.slow
async def test_100_000_items_are_kept() -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))
    items = [{**ITEMS[0], "id": f"item_{n}"} for n in range(100_000)]

    await desk.upload(parts={"chat_history": chat_history(items)})

    assert len(await desk.items(session)) == 100_000
