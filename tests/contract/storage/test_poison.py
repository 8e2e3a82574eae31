"""A change that the storage refuses for its values, among changes that are good.

Only here do a refused change and good ones share a transaction, in any order.
"""

from __future__ import annotations

import asyncio
import string
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any, Final

import attrs
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some
from sqlalchemy import Connection, insert

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.leases import leases
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.access.manage_keys import LONGEST_NAME
from domain.sessions.session_store import SessionStore
from domain.shared.errors import DomainError, StorageUnavailable, Unstorable
from domain.shared.identifiers import LONGEST, LONGEST_ID, LONGEST_NUMBER, Identity, RoomName
from tests.contract.storage.ledgers import NOON, new_call, new_entry, new_session, opened
from tests.examples import examples

AnyLedger = MemoryStorage | SqlStorage
INCOMPRESSIBLE: Final = "".join(Random(7).choices(string.printable.strip(), k=10_000))
TEXTS: Final = {"too long": INCOMPRESSIBLE, "NUL": "a\0b", "half a pair": "a\ud800b"}


async def add_session(ledger: AnyLedger, **changes: Any) -> None:
    await SessionStore(ledger.unit_of_work).add(new_session(**changes))


async def add_call(ledger: AnyLedger, **changes: Any) -> None:
    async with ledger.unit_of_work() as work:
        await work.calls.add(new_call(**changes))
        await work.commit()


async def add_entry(ledger: AnyLedger, **changes: Any) -> None:
    await ledger.inbox.add(new_entry(**changes))


async def settle(ledger: AnyLedger, **changes: Any) -> None:
    entry = new_entry()
    await ledger.inbox.settle(attrs.evolve(entry, **changes), "me")


async def fail(ledger: AnyLedger) -> None:
    """Run a change that has a defect."""

    def defect(connection: Connection) -> None:
        connection.execute(insert(leases), {"name": "defect", "holder": "me", "expires_at": NOON})
        raise KeyError("a defect")

    if isinstance(ledger, SqlStorage):
        await ledger.database.transact(defect)


Poison = Callable[[AnyLedger], Awaitable[None]]


def with_text(change: Callable[..., Awaitable[None]], field: str, text: str) -> Poison:
    return lambda ledger: change(ledger, **{field: text})


FIELDS: Final[dict[Callable[..., Awaitable[None]], list[str]]] = {
    add_session: ["agent_name", "tenant"],
    add_call: ["room_sid", "participant_sid", "from_number"],
    add_entry: ["id", "room", "room_sid", "kind"],
    settle: ["last_error"],
}
POISONS: Final[dict[str, Poison]] = {
    **{
        f"{name} in {field}": with_text(change, field, text)
        for change, fields in FIELDS.items()
        for field in fields
        for name, text in TEXTS.items()
    },
    "a number of 65 bits": lambda ledger: add_entry(ledger, failures=2**64),
    "a number of 33 bits": lambda ledger: add_entry(ledger, failures=2**32),
    "a number of 65 bits in a change": lambda ledger: settle(ledger, failures=2**64),
    "a version of 65 bits": lambda ledger: add_session(ledger, version=2**64),
    "a defect": fail,
}


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[AnyLedger]:
    async with opened(database_url) as ledger:
        yield ledger


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    poisons=some.lists(some.sampled_from([*POISONS]), min_size=1, max_size=3),
    good=some.lists(some.sampled_from(["session", "call", "event"]), min_size=1, max_size=30),
    seed=some.integers(0, 1000),
)
async def test_given_any_poison_among_good_changes_then_the_good_ones_are_stored(
    ledger: AnyLedger, poisons: list[str], good: list[str], seed: int
) -> None:
    sessions = [new_session() for what in good if what == "session"]
    calls = [new_call() for what in good if what == "call"]
    entries = [new_entry() for what in good if what == "event"]

    async def add(call: Any) -> None:
        async with ledger.unit_of_work() as work:
            await work.calls.add(call)
            await work.commit()

    changes: list[Any] = [
        *(SessionStore(ledger.unit_of_work).add(session) for session in sessions),
        *(add(call) for call in calls),
        *(ledger.inbox.add(entry) for entry in entries),
    ]
    bad = [POISONS[name](ledger) for name in poisons]
    together = [*changes, *bad]
    Random(seed).shuffle(together)
    tasks = {change: asyncio.ensure_future(change) for change in together}
    await asyncio.gather(*tasks.values(), return_exceptions=True)

    for change in changes:
        tasks[change].result()
    for change in bad:
        assert not isinstance(tasks[change].exception(), StorageUnavailable)
    async with ledger.unit_of_work() as work:
        assert [await work.sessions.get(session.id, SYSTEM) for session in sessions] == sessions
        assert [await work.calls.get(call.id, SYSTEM) for call in calls] == calls
    assert [await ledger.inbox.get(entry.event.id) for entry in entries] == entries


def longest(length: int) -> str:
    """A text of the most bytes that so many characters have, which no database compresses."""
    return "".join(chr(Random(length + n).randrange(0x10000, 0x110000)) for n in range(length))


async def test_given_every_identifier_at_its_limit_then_all_is_stored(ledger: AnyLedger) -> None:
    name, sid = longest(LONGEST), longest(LONGEST_ID)
    session = new_session(
        RoomName(name),
        identity=Identity(name),
        tenant=longest(LONGEST_NAME),
    )
    call = new_call(
        room_name=name,
        room_sid=sid,
        participant_sid=sid,
        participant_identity=name,
        from_number=name[:LONGEST_NUMBER],
        to_number=name[:LONGEST_NUMBER],
        tenant=longest(LONGEST_NAME),
    )
    entry = new_entry(name, id=sid, room_sid=sid, kind="room_finished")

    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        await work.calls.add(call)
        await work.commit()
        assert await work.sessions.get(session.id, SYSTEM) == session
        assert await work.calls.get(call.id, SYSTEM) == call
    assert await ledger.inbox.add(entry)
    assert await ledger.inbox.get(sid) == entry


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        ("too long in id", r"too large to be stored or indexed \(54000\)"),
        ("NUL in id", r"not valid text.*NUL.*\(22021\)"),
        ("half a pair in id", r"not valid text|not of its column's type"),
        ("a number of 33 bits", r"\(22"),
    ],
)
async def test_given_postgres_then_the_refusal_names_its_reason_and_no_value(
    postgres_url: str, poison: str, reason: str
) -> None:
    async with opened(postgres_url) as ledger:
        with pytest.raises(Unstorable, match=reason) as caught:
            await POISONS[poison](ledger)
    assert INCOMPRESSIBLE[:20] not in str(caught.value)
    assert not caught.value.is_outage


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        ("half a pair in id", "half of a surrogate pair"),
        ("a number of 65 bits", "a number out of range"),
    ],
)
async def test_given_sqlite_then_the_refusal_names_its_reason(
    sqlite_url: str, poison: str, reason: str
) -> None:
    async with opened(sqlite_url) as ledger:
        with pytest.raises(Unstorable, match=reason):
            await POISONS[poison](ledger)


async def test_given_a_body_beyond_sqlites_limit_then_the_event_is_refused_alone(
    sqlite_url: str,
) -> None:
    async with opened(sqlite_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        assert ledger.database.threads is not None

        def lower_limit(connection: Connection) -> None:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.setlimit(0, 100_000)  # SQLITE_LIMIT_LENGTH, a gigabyte otherwise

        await ledger.database.transact(lower_limit)
        entry = new_entry()
        refused, stored = await asyncio.gather(
            ledger.inbox.add(new_entry(body=bytes(200_000))),
            ledger.inbox.add(entry),
            return_exceptions=True,
        )
        assert isinstance(refused, DomainError)
        assert "too large to be stored (SQLITE_TOOBIG)" in str(refused)
        assert stored is True
