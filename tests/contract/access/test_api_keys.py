"""The port of API keys, on every storage; and whose is whose in lists and rooms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from sqlalchemy import Connection, update

from adapters.sqlalchemy.api_keys import api_keys as api_keys_table
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.access.api_key import ApiKey, digest
from domain.access.repository import ApiKeys
from domain.calls.repository import CallFilter, CallWork
from domain.rooms.dispatch import DispatchClaim
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import Conflict
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import (
    NOON,
    access_of,
    new_call,
    new_id,
    new_room,
    new_session,
    opened,
)  # fmt: skip

LATER = NOON + timedelta(hours=1)


def new_key(**changes: object) -> ApiKey:
    """A key that nobody has stored."""
    key_id = str(new_id())
    return attrs.evolve(
        ApiKey(
            id=key_id,
            tenant="acme",
            name="a frontend",
            prefix=f"blk_{key_id[-12:]}",
            digest=digest(key_id),
            scopes=WORK,
            created_at=NOON,
        ),
        **changes,  # type: ignore[arg-type]
    )


async def test_a_key_is_found_by_its_prefix_as_it_was_stored(api_keys: ApiKeys) -> None:
    assert not await api_keys.any()
    key = new_key(
        scopes=frozenset({Scope.ADMIN, Scope.CALLS_READ}),
        expires_at=LATER,
        revoked_at=LATER,
        last_used_at=LATER,
    )

    await api_keys.add(key)

    assert await api_keys.any()
    assert await api_keys.find(key.prefix) == key
    assert await api_keys.find("blk_of_nobody") is None
    assert await api_keys.list() == [key]


async def test_a_prefix_is_taken_once(api_keys: ApiKeys) -> None:
    key = new_key()
    await api_keys.add(key)

    with pytest.raises(Conflict):
        await api_keys.add(new_key(prefix=key.prefix))

    assert await api_keys.list() == [key]


async def test_the_newest_key_is_listed_first(api_keys: ApiKeys) -> None:
    old, new = new_key(), new_key(created_at=LATER)
    await api_keys.add(new)
    await api_keys.add(old)

    assert await api_keys.list() == [new, old]


async def test_a_key_is_revoked_once_and_for_ever(api_keys: ApiKeys) -> None:
    key, other = new_key(), new_key()
    await api_keys.add(key)
    await api_keys.add(other)

    assert await api_keys.revoke(key.prefix, NOON)
    assert await api_keys.revoke(key.prefix, LATER)

    assert await api_keys.find(key.prefix) == attrs.evolve(key, revoked_at=NOON)
    assert await api_keys.find(other.prefix) == other
    assert not await api_keys.revoke("blk_of_nobody", NOON)


async def test_a_key_expires_at_the_sooner_of_two_times(api_keys: ApiKeys) -> None:
    unlimited, short = new_key(), new_key(expires_at=NOON)
    await api_keys.add(unlimited)
    await api_keys.add(short)

    assert await api_keys.expire(unlimited.prefix, LATER)
    assert await api_keys.expire(short.prefix, LATER)

    assert await api_keys.find(unlimited.prefix) == attrs.evolve(unlimited, expires_at=LATER)
    assert await api_keys.find(short.prefix) == short
    assert not await api_keys.expire("blk_of_nobody", NOON)


async def test_a_key_s_last_use_is_noted(api_keys: ApiKeys) -> None:
    key = new_key()
    await api_keys.add(key)

    await api_keys.used(key.prefix, LATER)
    await api_keys.used("blk_of_nobody", LATER)

    assert await api_keys.list() == [attrs.evolve(key, last_used_at=LATER)]


@pytest.mark.parametrize(
    ("access", "seen"),
    [
        (SYSTEM, "abn"),
        (access_of("a"), "a"),
        (access_of("b", sees_unowned=True), "bn"),
        (access_of("c"), ""),
        (access_of(None), "n"),
    ],
    ids=["everything", "a", "b and unowned", "c", "unowned"],
)
async def test_lists_show_these_tenants_sessions_and_calls_only(
    unit_of_work: UnitOfWorkFactory[CallWork], access: Access, seen: str
) -> None:
    async with unit_of_work() as work:
        for tenant in ("a", "b", None):
            await work.sessions.add(new_session(tenant=tenant))
            await work.calls.add(new_call(tenant=tenant))
        await work.commit()

    async with unit_of_work() as work:
        sessions = await work.sessions.page(SessionFilter(), None, 10, access)
        calls = await work.calls.page(CallFilter(), None, 10, access)

    assert sorted(one.tenant or "n" for one in sessions) == sorted(seen)
    assert sorted(one.tenant or "n" for one in calls) == sorted(seen)


async def test_given_a_scope_of_a_newer_version_then_the_key_has_the_others(sql_url: str) -> None:
    key = new_key()
    async with opened(sql_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        await ledger.api_keys.add(key)
        newer = " ".join(sorted({*key.scopes, "transcripts:read"}))

        def grant(connection: Connection) -> None:
            connection.execute(
                update(api_keys_table).where(api_keys_table.c.id == key.id).values(scopes=newer)
            )

        await ledger.database.transact(grant, lock=("api_keys", key.prefix))

        assert await ledger.api_keys.find(key.prefix) == key


async def test_a_tenant_s_live_sessions_are_counted(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    async with unit_of_work() as work:
        for tenant in ("a", "a", "b", None):
            await work.sessions.add(new_session(tenant=tenant))
        ended = new_session(tenant="a").ended(EndReason.ENDED_BY_CALLER, NOON)
        await work.sessions.add(ended)
        await work.commit()

    async with unit_of_work() as work:
        assert [await work.sessions.live_of(tenant) for tenant in ("a", "b", "c")] == [2, 1, 0]


async def test_a_tenant_s_sessions_that_wait_for_a_user_are_counted(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    def waiting(**changes: Any) -> Session:
        return new_session(tenant="a", join_until=LATER, **changes)

    dispatched = waiting().with_agent_dispatched("AD_1", NOON)
    claimed = waiting().claimed("holder", NOON, timedelta(seconds=15))
    uncertain = waiting(claim=DispatchClaim(uncertain=True))
    seen = waiting(room_sid="RM_1")
    ended = waiting().ended(EndReason.ABANDONED, NOON)
    async with unit_of_work() as work:
        for session in (dispatched, claimed, uncertain, seen, ended, new_session(tenant="a")):
            assert not session.is_unused or not session.is_live
            await work.sessions.add(session)
        for tenant in ("a", "a", "b"):
            await work.sessions.add(new_session(tenant=tenant, join_until=LATER))
        await work.commit()

    async with unit_of_work() as work:
        found = [await work.sessions.live_and_unused_of(tenant) for tenant in ("a", "b", "c")]
    assert found == [(7, 2), (1, 1), (0, 0)]


async def test_a_room_s_newest_session_and_call_are_those_of_these_tenants(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    room = new_room()
    of_a = new_session(room, tenant="a").ended(EndReason.ENDED_BY_CALLER, NOON)
    of_b = new_session(room, tenant="b", created_at=LATER)
    call_of_a = new_call(room_name=str(room), tenant="a")
    async with unit_of_work() as work:
        for session in (of_a, of_b):
            await work.sessions.add(session)
        await work.calls.add(call_of_a)
        # As well before as after the commit.
        assert await work.sessions.newest_in(room, access_of("a")) == of_a
        await work.commit()

    async with unit_of_work() as work:
        assert await work.sessions.newest_in(room, SYSTEM) == of_b
        assert await work.sessions.newest_in(room, access_of("b", sees_unowned=True)) == of_b
        assert await work.sessions.newest_in(room, access_of("a")) == of_a
        assert await work.sessions.newest_in(room, access_of("c", sees_unowned=True)) is None
        assert await work.calls.newest_in(room, access_of("a")) == call_of_a
        assert await work.calls.newest_in(room, access_of("b", sees_unowned=True)) is None
