"""What is kept and what is no longer, on every storage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import Connection, LargeBinary, String

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy import personal_data as records
from adapters.sqlalchemy.capabilities import CAPABILITIES, metadata
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantLeft
from domain.idempotency.repository import Attempt
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.rooms.sip_leg import Direction
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import Identity, RoomName
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import NOON, new_call, new_entry, new_room, new_session, opened
from tests.databases import sqlite_in

SessionStore = MemoryStorage | SqlStorage

DAY = timedelta(days=1)
NUMBER = "+15105550177"
DIGITS = NUMBER[1:]
ANN = "ann-identity"


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[SessionStore]:
    """A ledger without domain events, which show sessions and calls once more."""
    async with opened(database_url, announces=False) as ledger:
        yield ledger


def ended(at_day: int) -> Session:
    """A session that began at noon and ended so many days later."""
    return new_session().ended(EndReason.ROOM_FINISHED, NOON + at_day * DAY)


async def store(ledger: SessionStore, *entities: Session | Call) -> None:
    async with ledger.unit_of_work() as work:
        for one in entities:
            if isinstance(one, Session):
                await work.sessions.add(one)
            else:
                await work.calls.add(one)
        await work.commit()


async def sessions_of(ledger: SessionStore, *wanted: Session) -> list[bool]:
    async with ledger.unit_of_work() as work:
        return [await work.sessions.get(one.id, SYSTEM) is not None for one in wanted]


async def calls_of(ledger: SessionStore, *wanted: Call) -> list[bool]:
    async with ledger.unit_of_work() as work:
        return [await work.calls.get(one.id, SYSTEM) is not None for one in wanted]


async def test_sessions_are_kept_for_so_long_after_their_end(ledger: SessionStore) -> None:
    old, young, live = ended(1), ended(3), new_session()
    await store(ledger, old, young, live)

    assert await ledger.prune_sessions(NOON + 2 * DAY) == 1

    assert await sessions_of(ledger, old, young, live) == [False, True, True]
    assert await ledger.prune_sessions(NOON + 2 * DAY) == 0


async def test_sessions_are_kept_while_their_tokens_are_valid(ledger: SessionStore) -> None:
    valid, expired = (attrs.evolve(ended(1), token_until=NOON + days * DAY) for days in (3, 1.5))
    await store(ledger, valid, expired)

    assert await ledger.prune_sessions(NOON + 2 * DAY) == 1

    assert await sessions_of(ledger, valid, expired) == [True, False]
    async with ledger.unit_of_work() as work:
        assert await work.sessions.get(valid.id, SYSTEM) == valid


async def test_only_sessions_that_no_user_joined_in_time_are_pruned_as_unused(
    ledger: SessionStore,
) -> None:
    def waited(until: float, **other: Any) -> Session:
        began = new_session(created_at=NOON, join_until=NOON + until * DAY, **other)
        return began.ended(EndReason.ABANDONED, NOON + DAY)

    unused, young = waited(1), waited(3)
    live = new_session(join_until=NOON + DAY)
    used = [waited(1, room_sid="RM_1"), waited(1, dispatch_id="AD_1")]
    waiting = new_session(created_at=NOON, join_until=NOON)
    by_caller = waiting.ended(EndReason.ENDED_BY_CALLER, NOON + DAY)
    at_once = new_session(created_at=NOON).ended(EndReason.ABANDONED, NOON + DAY)
    kept = [young, live, *used, by_caller, at_once]
    await store(ledger, unused, *kept)

    assert await ledger.prune_unused_sessions(NOON + 2 * DAY) == 1

    assert await sessions_of(ledger, unused, *kept) == [False, *[True] * len(kept)]
    assert await ledger.prune_unused_sessions(NOON + 2 * DAY) == 0


async def test_calls_are_kept_for_so_long_after_their_end(ledger: SessionStore) -> None:
    def ended_call(day: int, reason: str) -> Call:
        return apply(new_call(), ParticipantLeft(NOON + day * DAY, Source.WEBHOOK, reason=reason))

    old, failed = ended_call(1, "CLIENT_INITIATED"), ended_call(1, "USER_REJECTED")
    young, live = ended_call(3, "CLIENT_INITIATED"), new_call()
    await store(ledger, old, failed, young, live)

    assert await ledger.prune_calls(NOON + 2 * DAY) == 2

    assert await calls_of(ledger, old, failed, young, live) == [False, False, True, True]


async def test_more_than_one_transaction_s_worth_is_pruned(ledger: SessionStore) -> None:
    await store(ledger, *(ended(1) for _ in range(1100)))

    assert await ledger.prune_sessions(NOON + 2 * DAY) == 1100


async def test_a_pruned_room_shows_what_came_before_or_nothing(ledger: SessionStore) -> None:
    room = new_room()
    first = new_session(room, created_at=NOON).ended(EndReason.ROOM_FINISHED, NOON + 9 * DAY)
    second = new_session(room, created_at=NOON + DAY).ended(EndReason.ROOM_FINISHED, NOON + DAY)
    await store(ledger, first, second)

    await ledger.prune_sessions(NOON + 2 * DAY)

    async with ledger.unit_of_work() as work:
        assert await work.sessions.newest_in(room, SYSTEM) == first


@attrs.frozen
class Known:
    """What is stored of a person, and of others."""

    sessions: list[Session]
    calls: list[Call]
    events: list[str]


async def everything_of_a_caller(ledger: SessionStore) -> tuple[Known, Known]:
    """What mentions the number in one way or another, and what nearly does."""
    other = str(int(DIGITS) + 1)
    theirs: list[Session] = []
    others: list[Session] = []
    for kept, digits in ((theirs, DIGITS), (others, other), (others, f"9{DIGITS}")):
        phone = PhoneCorrelation(
            call_id=new_call().id, direction=Direction.INBOUND, caller_number=f"+{digits}"
        )
        for changes in (
            {"phone": phone},
            {"identity": Identity(f"sip_+{digits}")},
            {"room": RoomName(f"call-_+{digits}_x")},
            {"agent_config": AgentConfig.parse({"crm": {"tel": f"tel:+{digits}"}})},
        ):
            kept.append(new_session(**changes).ended(EndReason.ROOM_FINISHED, NOON))
    their_calls = [
        apply(new_call(from_number=NUMBER), ParticipantLeft(NOON, Source.WEBHOOK)),
        apply(new_call(to_number=DIGITS), ParticipantLeft(NOON, Source.WEBHOOK)),
        apply(
            new_call(participant_identity=f"sip_{NUMBER}"), ParticipantLeft(NOON, Source.WEBHOOK)
        ),
        apply(new_call(room_name=f"call-_{NUMBER}_y"), ParticipantLeft(NOON, Source.WEBHOOK)),
    ]
    other_calls = [apply(new_call(from_number=f"+{other}"), ParticipantLeft(NOON, Source.WEBHOOK))]
    their_events = [
        new_entry(body=json.dumps({"sip.phoneNumber": NUMBER}).encode()),
        new_entry(body=f'{{"identity":"sip_{NUMBER}"}}'.encode()).handled(NOON),
        new_entry(body=f'{{"to":"sip:00{DIGITS}@10.0.0.1"}}'.encode()).failed("x", NOON),
    ]
    other_events = [new_entry(body=f'{{"n":"+{other}","ü":"\xff"}}'.encode())]
    await store(ledger, *theirs, *others, *their_calls, *other_calls)
    for entry in (*their_events, *other_events):
        await ledger.inbox.add(entry)
    for key, answer in (
        ("their-session", json.dumps([str(theirs[0].id), "room", "{}"])),
        (f"call-{NUMBER}", "{}"),
        ("other", json.dumps([str(others[0].id), "room", "{}"])),
    ):
        attempt = attempt_at(key)
        await ledger.idempotency.begin(attempt)
        await ledger.idempotency.finish(attempt, answer)
    return (
        Known(theirs, their_calls, [one.event.id for one in their_events]),
        Known(others, other_calls, [one.event.id for one in other_events]),
    )


async def test_a_number_is_forgotten_however_it_is_written_and_no_other(
    ledger: SessionStore,
) -> None:
    theirs, others = await everything_of_a_caller(ledger)
    person = DataSubject.with_number("+1 (510) 555-0177")
    found = PersonalDataCounts(sessions=4, calls=4, events=3, answers=2, live=0)
    assert await ledger.personal_data.mentions(person) == found

    assert await ledger.personal_data.forget(person) == found

    assert await ledger.personal_data.mentions(person) == PersonalDataCounts()
    assert not any(await sessions_of(ledger, *theirs.sessions))
    assert all(await sessions_of(ledger, *others.sessions))
    assert not any(await calls_of(ledger, *theirs.calls))
    assert all(await calls_of(ledger, *others.calls))
    assert [await ledger.inbox.get(one) for one in theirs.events] == [None] * 3
    assert all([await ledger.inbox.get(one) for one in others.events])
    other = await ledger.personal_data.mentions(DataSubject.with_number(str(int(DIGITS) + 1)))
    assert other == PersonalDataCounts(sessions=4, calls=1, events=1, answers=1)


async def test_an_identity_is_forgotten_as_a_word_of_its_own(ledger: SessionStore) -> None:
    theirs = new_session(identity=Identity(ANN)).ended(EndReason.ROOM_FINISHED, NOON)
    longer = new_session(identity=Identity(f"{ANN}-2")).ended(EndReason.ROOM_FINISHED, NOON)
    wild = new_session(identity=Identity("annXidentity")).ended(EndReason.ROOM_FINISHED, NOON)
    await store(ledger, theirs, longer, wild)
    event = new_entry(body=json.dumps({"participant": {"identity": ANN}}).encode())
    await ledger.inbox.add(event)

    erased = await ledger.personal_data.forget(DataSubject.with_identity(ANN))

    assert erased == PersonalDataCounts(sessions=1, events=1)
    assert await sessions_of(ledger, theirs, longer, wild) == [False, True, True]


async def test_what_lives_is_counted(ledger: SessionStore) -> None:
    await store(
        ledger,
        new_session(identity=Identity(ANN)),
        new_session(identity=Identity(ANN)).ended(EndReason.ROOM_FINISHED, NOON),
        new_call(participant_identity=ANN),
    )

    found = await ledger.personal_data.mentions(DataSubject.with_identity(ANN))

    assert found == PersonalDataCounts(sessions=2, calls=1, live=2)


async def test_a_file_holds_nothing_of_a_person_who_was_forgotten(tmp_path: Path) -> None:
    async with SqlStorage(sqlite_in(tmp_path)) as ledger:
        await everything_of_a_caller(ledger)
        assert DIGITS.encode() in held(tmp_path)

        await ledger.personal_data.forget(DataSubject.with_number(NUMBER))

        another = f"9{DIGITS}".encode()
        assert DIGITS.encode() not in held(tmp_path).replace(another, b"")  # also while it is open
    assert DIGITS.encode() not in held(tmp_path).replace(another, b"")


async def test_nor_does_a_place_in_the_file_that_a_row_was_moved_from(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with opened(sqlite_in(tmp_path), announces=False) as ledger:
        await store(ledger, ended(1))
    leave_behind(file, DIGITS.encode())

    async with SqlStorage(sqlite_in(tmp_path)) as ledger:
        await ledger.personal_data.forget(DataSubject.with_number(NUMBER))

        assert DIGITS.encode() not in held(tmp_path)
        others = await ledger.prune_sessions(NOON + 2 * DAY)
        assert others == 1


def leave_behind(file: Path, text: bytes) -> None:
    """Write ``text`` where SQLite may leave some: between a page's directory and its rows.

    (https://www.sqlite.org/fileformat2.html#b_tree_pages)
    """
    data = bytearray(file.read_bytes())
    page_size = int.from_bytes(data[16:18], "big")
    for page in range(page_size, len(data), page_size):
        kind, cells = data[page], int.from_bytes(data[page + 3 : page + 5], "big")
        rows = int.from_bytes(data[page + 5 : page + 7], "big")
        if kind == 0x0D and cells and rows - 8 - 2 * cells > 2 * len(text):
            data[page + rows - len(text) : page + rows] = text
            file.write_bytes(data)
            return
    raise AssertionError("no page with rows has room")


async def test_nobody_waits_while_a_person_is_looked_for(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with opened(sqlite_in(tmp_path), announces=False) as ledger:
        await everything_of_a_caller(ledger)
        with closing(sqlite3.connect(file, isolation_level=None)) as another:
            another.execute("BEGIN IMMEDIATE")  # SQLite's one writer

            found = await ledger.personal_data.mentions(DataSubject.with_number(NUMBER))

    assert found.all == 13


async def test_a_person_is_found_in_more_rows_than_are_looked_through_at_once(
    ledger: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_STRETCH", 2)
    monkeypatch.setattr(records, "AT_ONCE", 2)
    await everything_of_a_caller(ledger)
    person = DataSubject.with_number(NUMBER)

    assert (await ledger.personal_data.forget(person)).all == 13

    assert (await ledger.personal_data.mentions(person)).all == 0
    other = await ledger.personal_data.mentions(DataSubject.with_number(str(int(DIGITS) + 1)))
    assert other.all == 7


@pytest.mark.parametrize("done", [1, 2, 3])
async def test_given_an_erasure_that_is_cut_short_when_it_is_repeated_then_no_answer_is_left(
    sql_url: str, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    person, transact, left = DataSubject.with_number(NUMBER), Database.transact, done

    async def cut_short(database: Database, work: Callable[[Connection], int]) -> int:
        nonlocal left
        if not left:
            raise StorageUnavailable("The database is down.")
        left -= 1
        return await transact(database, work)

    async with opened(sql_url) as ledger:
        await everything_of_a_caller(ledger)
        with monkeypatch.context() as patch:
            patch.setattr(Database, "transact", cut_short)
            with pytest.raises(StorageUnavailable):
                await ledger.personal_data.forget(person)

        await ledger.personal_data.forget(person)

        again = attempt_at("their-session")  # whose answer has nothing of them but a session's id
        assert (await ledger.idempotency.begin(again)).answer is None


def attempt_at(key: str) -> Attempt:
    return Attempt(
        tenant="", key=key, fingerprint="f", holder="me", now=NOON, until=NOON + DAY, since=NOON
    )


def held(folder: Path) -> bytes:
    """Every byte of the files in a folder: a database and its log."""
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


@pytest.mark.parametrize("whole", [True, False])
async def test_prompts_are_stored_or_not(sql_url: str, tmp_path: Path, whole: bool) -> None:  # noqa: FBT001
    config = AgentConfig.parse({"prompt": "a-secret-prompt", "llm": "x/y", "mine": 1})
    session = new_session(agent_config=config)
    async with opened(sql_url):
        pass  # the schema
    database = SqlStorage(sql_url, whole_configs=whole)
    async with database as ledger, ledger.unit_of_work() as work:
        await work.sessions.add(session)
        await work.commit()
        saved = await work.sessions.save(session.released())
        await work.commit()

        read = await work.sessions.get(session.id, SYSTEM)

    assert saved.agent_config == config  # for the dispatch that follows
    assert read is not None
    assert read.agent_config == (config if whole else config.outline)
    assert read.agent_config.is_outline is not whole
    if not whole:
        assert set(read.agent_config.values) == {"stt", "tts", "llm", "realtime"}
        assert b"a-secret-prompt" not in held(tmp_path)


HARMLESS = {
    # Ids, times, states, names of models and of what operators have set up.
    "sessions": {"id", "room_sid", "agent_name", "status", "dispatch_id", "claim_holder",
                 "end_reason", "call_id", "direction", "tenant", "agent_identity", "agent_id",
                 "earlier_agents", "timeline"},
    "calls": {"id", "room_sid", "participant_sid", "direction", "trunk_id", "dispatch_rule_id",
              "sip_call_id", "status", "disconnect_reason", "session_id", "timeline", "tenant"},
    "inbox": {"event_id", "kind", "room_sid", "status", "lease_holder", "trace"},
    "idempotency": {"tenant", "fingerprint", "holder"},
    "leases": {"name", "holder"},
    "api_keys": {"id", "tenant", "name", "prefix", "digest", "scopes"},
    "publishable_keys": {"id", "tenant", "agent_name", "agent_id", "allowed_origins", "prefix",
                         "digest"},
    "tickets": {"id", "tenant"},
    "reports": {"id", "room_sid", "job_id", "transcript", "audio", "session_id", "call_id",
                "tenant"},
    "rate_windows": {"bucket"},
    "processes": {"id"},
    "agents": {"id", "tenant", "name", "definition"},
    "agent_versions": {"agent_id", "tenant", "definition"},
    # A business's own numbers, and what it has set up for them.
    "phone_numbers": {"id", "tenant", "number", "trunk_id", "agent_id", "webhook_url",
                      "webhook_secret"},
    "recordings": {"id", "report_id", "tenant", "source", "status", "object_key", "content_type",
                   "egress_id"},
    "recording_sweeps": {"name", "ledger"},
    "recording_orphans": {"object_key"},
    # Kinds of events, states and our own sentences: no event's data.
    "webhooks": {"id", "tenant", "url", "events", "description", "secret", "previous_secret",
                 "status", "disabled_reason"},
    "webhook_cursor": {"name"},
    "webhook_deliveries": {"id", "webhook_id", "tenant", "event_id", "event", "lane", "status",
                           "attempts"},
    "webhook_lanes": {"webhook_id", "lane", "lease_holder"},
    "events": {"id", "kind", "lane", "tenant", "session_id", "call_id", "source"},
    # The words of "search" are those of the texts beside it; they are deleted with the row.
    "transcript_items": {"item_id", "session_id", "tenant", "type", "role", "search"},
    # What a worker calls its models, and the ids of messages.
    "usage_reports": {"report_id", "session_id", "call_id", "tenant"},
    "usage": {"report_id", "kind", "provider", "model", "others"},
    "turn_latencies": {"report_id", "item_id"},
    "schema_floor": {"version"},
}  # fmt: skip


def test_every_column_of_text_is_looked_through_or_holds_nothing_of_a_person() -> None:
    personal = {each.table: {*each.personal_columns} for each in CAPABILITIES}
    for table in metadata.sorted_tables:
        texts = {
            column.name for column in table.columns if isinstance(column.type, String | LargeBinary)
        }
        assert texts == personal.get(table, set()) | HARMLESS[table.name], table.name
