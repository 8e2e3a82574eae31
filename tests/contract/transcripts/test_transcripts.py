"""Storing what was said, on every storage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.privacy.data_subject import DataSubject
from domain.reports.report import Report
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import Conflict
from domain.shared.identifiers import Identity
from domain.transcripts.policy import TranscriptPolicy
from tests.contract.storage.ledgers import NOON, access_of, new_call, new_id, new_session, opened
from tests.contract.transcripts.kept import (
    LONG_HENCE,
    SECOND,
    Ledger,
    found,
    items_in,
    keep,
    match,
    new_report,
    said,
    session_in,
    texts_in,
)
from tests.databases import sqlite_in

EVERYTHING = said(
    "Größe „42“ <b> & 😀",
    type="function_call_output",
    position=3,
    interrupted=True,
    metrics={"e2e_latency": 0.75, "llm_metadata": {"model_name": "m"}},
    name="look_up",
    arguments='{"order": 7}',
    output="none",
    call_id="call_1",
    is_error=False,
    extra={"group_id": "g"},
    truncated=True,
)


async def test_items_are_read_as_they_were_kept(ledger: Ledger) -> None:
    session = await session_in(ledger)
    untimed = said("When?", created_at=None, position=9)

    assert await keep(ledger, new_report(session), EVERYTHING, untimed) == 2

    assert await items_in(ledger, session.id) == [EVERYTHING, untimed]
    assert await items_in(ledger, new_id()) == []


async def test_the_same_item_again_replaces_and_never_doubles(ledger: Ledger) -> None:
    session = await session_in(ledger)
    first, second = said("Hel"), said("and then", 1)
    await keep(ledger, new_report(session), first, second)

    longer = attrs.evolve(first, text="Hello", created_at=NOON + 2 * SECOND)
    await keep(ledger, new_report(session), longer, longer)

    assert await texts_in(ledger, session) == ["and then", "Hello"]
    assert await found(ledger, "hel") == []
    assert await found(ledger, "hello") == ["Hello"]


async def test_the_reports_of_several_jobs_are_merged_by_time(ledger: Ledger) -> None:
    session = await session_in(ledger)
    await keep(ledger, new_report(session), said("1"), said("3", 2), said("4", 2, position=1))
    await keep(ledger, new_report(session), said("2", 1), said("5", 3))

    assert await texts_in(ledger, session) == ["1", "2", "3", "4", "5"]


async def test_more_items_than_one_statement_takes(ledger: Ledger) -> None:
    session = await session_in(ledger)
    items = [said(f"word {number}", number // 3, position=number) for number in range(620)]

    await keep(ledger, new_report(session), *items)

    assert await items_in(ledger, session.id) == items
    assert await found(ledger, '"word 619"') == ["word 619"]


async def test_an_item_of_very_long_words_is_kept(ledger: Ledger) -> None:
    """Each of these characters is 18 in the form that is searched for."""

    def text(offset: int) -> str:
        words = (
            f"\ufdfa\ufdfa{chr(0x4E00 + offset + n // 200)}{chr(0x4E00 + n % 200)}"
            for n in range(6500)
        )
        return " ".join(words)

    session = await session_in(ledger)
    item = said(text(0), arguments=text(100), output=text(200))

    assert await keep(ledger, new_report(session), item) == 1


async def test_nobody_sees_a_report_until_its_session_is_known(ledger: Ledger) -> None:
    session = await session_in(ledger, tenant="ann")
    reported = new_report()
    await keep(ledger, new_report(session), kept := said("old"))
    await keep(ledger, reported, attrs.evolve(kept, text="new"), said("hello", 1))
    assert await texts_in(ledger, session) == ["old"]
    assert await found(ledger, "hello") == []

    call = new_call()
    known = attrs.evolve(reported, session_id=session.id, call_id=call.id, tenant=session.tenant)
    assert await match(ledger, reported) == 0
    assert await match(ledger, known) == 2
    assert await match(ledger, known) == 2

    assert await texts_in(ledger, session) == ["new", "hello"]
    assert await found(ledger, "hello", access_of("ann")) == ["hello"]
    assert await found(ledger, "hello", call_id=call.id) == ["hello"]
    assert await found(ledger, "old") == []


async def coming_report(ledger: Ledger) -> Report:
    """A stored report of which not everything has been stored."""
    report = Report(
        id=new_report().report_id, room_sid="RM", job_id=f"{new_id()}", received_at=NOON
    )
    async with ledger.unit_of_work() as work:
        await work.reports.add(report)
        await work.commit()
    return report


async def is_matched(ledger: Ledger, report: Report, session: Session) -> None:
    async with ledger.unit_of_work() as work:
        await work.reports.save(report.matched(session.id, None, session.tenant))
        await work.commit()


async def test_items_of_a_report_that_is_still_coming_are_seen_only_where_others_were(
    ledger: Ledger,
) -> None:
    session = await session_in(ledger)
    await keep(ledger, new_report(session), old := said("old"))
    report = await coming_report(ledger)
    reported = new_report(session, report_id=report.id)
    await keep(ledger, new_report(report_id=report.id), first := said("hello", 1))

    for _ in range(2):  # as if the upload had been cut short and come again
        await keep(ledger, reported, attrs.evolve(old, text="new"), first, said("hello", 2))

    assert await texts_in(ledger, session) == ["new"]
    assert await found(ledger, "hello") == []
    assert await found(ledger, "new") == ["new"]
    await is_matched(ledger, report, session)
    assert await texts_in(ledger, session) == ["new", "hello", "hello", "hello"]
    assert await found(ledger, "hello") == ["hello"] * 3
    assert await match(ledger, reported) == 3


async def test_many_items_are_matched_some_at_a_time_and_seen_together(ledger: Ledger) -> None:
    session = await session_in(ledger)
    report = await coming_report(ledger)
    items = [said(f"word {number}", number, position=number) for number in range(1200)]
    await keep(ledger, new_report(session), replaced := attrs.evolve(items[7], text="old"))
    await keep(ledger, new_report(report_id=report.id), *items)
    known = new_report(session, report_id=report.id)

    async def match_ahead() -> bool:
        async with ledger.unit_of_work() as work:
            were_many = await work.transcripts.match_ahead(known)
            await work.commit()
        return were_many

    while await match_ahead():
        assert await items_in(ledger, session.id) == [replaced]
    assert await match(ledger, known) == 1200
    await is_matched(ledger, report, session)

    assert await items_in(ledger, session.id) == items
    assert await found(ledger, '"word 7"') == ["word 7"]


async def test_a_report_for_a_session_that_is_deleted_is_a_conflict(ledger: Ledger) -> None:
    with pytest.raises(Conflict):
        await keep(ledger, new_report(new_session()), said("hello"))


async def test_what_is_not_committed_is_not_kept(ledger: Ledger) -> None:
    session = await session_in(ledger)
    async with ledger.unit_of_work() as work:
        await work.transcripts.keep(new_report(session), [said("hello")])

    assert await items_in(ledger, session.id) == []


async def test_items_commit_together_with_the_rest_of_a_unit(ledger: Ledger) -> None:
    session, other = await session_in(ledger), new_session()
    async with ledger.unit_of_work() as work:
        await work.transcripts.keep(new_report(session), [said("hello")])
        await work.sessions.add(other)
        await work.sessions.add(other)
        with pytest.raises(Conflict):
            await work.commit()

    assert await items_in(ledger, session.id) == []


async def test_items_are_pruned_by_when_they_were_stored(ledger: Ledger) -> None:
    session = await session_in(ledger)
    await keep(ledger, new_report(session), said("hello"))
    await keep(ledger, new_report(), said("hello"))

    assert await ledger.transcripts.prune(datetime.now(UTC) - timedelta(days=1)) == 0
    assert await found(ledger, "hello") == ["hello"]
    assert await ledger.transcripts.prune(LONG_HENCE) == 2
    assert await items_in(ledger, session.id) == []
    assert await found(ledger, "hello") == []


async def test_a_session_s_transcript_is_deleted_with_it(ledger: Ledger) -> None:
    old = await session_in(ledger)
    young = await session_in(ledger)
    async with ledger.unit_of_work() as work:
        await work.sessions.save(old.ended(EndReason.ROOM_FINISHED, NOON + SECOND))
        await work.commit()
    for session in (old, young):
        await keep(ledger, new_report(session), said("hello"))

    assert await ledger.prune_sessions(NOON + 9 * SECOND) == 1

    assert await items_in(ledger, old.id) == []
    assert await found(ledger, "hello") == ["hello"]


async def test_a_person_s_words_are_forgotten(ledger: Ledger) -> None:
    theirs = await session_in(ledger, identity=Identity("ann"))
    others = await session_in(ledger, identity=Identity("bob"))
    async with ledger.unit_of_work() as work:
        await work.sessions.save(theirs.ended(EndReason.ROOM_FINISHED, NOON + SECOND))
        await work.sessions.save(others.ended(EndReason.ROOM_FINISHED, NOON + SECOND))
        await work.commit()
    await keep(ledger, new_report(theirs), said("nothing of note"))
    named = said("tool", 1, output='{"name": "ann"}')
    await keep(ledger, new_report(others), said("I am ann"), said("note", 2), named)
    person = DataSubject.with_identity("ann")
    counts = await ledger.personal_data.mentions(person)
    assert (counts.sessions, counts.transcript_items) == (1, 3)

    assert await ledger.personal_data.forget(person) == counts

    assert await found(ledger, "note") == ["note"]
    assert await texts_in(ledger, others) == ["note"]
    assert (await ledger.personal_data.mentions(person)).all == 0


async def test_a_file_has_no_word_that_was_forgotten_or_pruned(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with opened(sqlite_in(tmp_path)) as ledger:
        theirs = await session_in(ledger, identity=Identity("ann"))
        async with ledger.unit_of_work() as work:
            await work.sessions.save(theirs.ended(EndReason.ROOM_FINISHED, NOON + SECOND))
            await work.commit()
        others = await session_in(ledger)
        for number in range(300):
            await keep(ledger, new_report(others), said(f"zebra{number}", number))
            await keep(ledger, new_report(theirs), said(f"quagga{number}", number))
        assert words_in(file, "quagga") == 300

        await ledger.personal_data.forget(DataSubject.with_identity("ann"))

        assert b"quagga" not in held(tmp_path)
        assert words_in(file, "zebra") == 300
        assert await ledger.transcripts.prune(LONG_HENCE) == 300
        assert words_in(file, "zebra") == 0


def words_in(file: Path, begin: str) -> int:
    """How many terms of SQLite's index begin so, deleted or not."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, transcript_search, row)"
        )
        query = "SELECT count(*) FROM temp.v WHERE term LIKE ?"
        return int(connection.execute(query, (f"{begin}%",)).fetchone()[0])


def held(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.iterdir() if each.is_file())


async def test_a_policy_that_keeps_nothing(database_url: str) -> None:
    policy = TranscriptPolicy(is_enabled=False)
    storage = (
        MemoryStorage(transcript_policy=policy)
        if database_url == "memory://"
        else SqlStorage(database_url, transcript_policy=policy)
    )
    async with storage as ledger:
        session = await session_in(ledger)

        assert await keep(ledger, new_report(session), said("hello")) == 0

        assert await items_in(ledger, session.id) == []
