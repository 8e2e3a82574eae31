"""Every field comes back as it was stored.

Only here has every field of every entity generated values.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from domain.access.access import SYSTEM
from domain.agents.agent import MAX_VERSIONS
from domain.agents.agent_config import AgentConfig
from domain.calls.call import Call
from domain.calls.dial_request import DialRequest
from domain.calls.repository import CallWork
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.repository import Inbox
from domain.inbox.webhook_verifier import WebhookEvent
from domain.phone_numbers.call_route import CallRoute, WebhookExchange
from domain.rooms.dispatch import DispatchClaim
from domain.rooms.sip_leg import Direction, SipLeg
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.session_store import SessionStore
from domain.sessions.session_timeline import SESSION_EVENTS
from domain.shared.identifiers import LONGEST, LONGEST_NUMBER, AgentId, CallId, Identity, RoomName
from domain.shared.timeline import COURSE, Source, TimelineEntry
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, new_call, new_entry, new_id, new_session

ENOUGH = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = some.text(string.ascii_letters + string.digits + "_-+ é", min_size=1, max_size=512)
TEXTS = some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
TIMES = some.datetimes(datetime(1970, 1, 1), datetime(9990, 1, 1)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC, fold=0)
)
JSON: some.SearchStrategy[Any] = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=12,
)


def timelines(events: Sequence[str]) -> some.SearchStrategy[tuple[TimelineEntry, ...]]:
    entry = some.builds(
        TimelineEntry, at=TIMES, what=some.sampled_from(events), source=some.sampled_from(Source)
    )
    return some.lists(entry, max_size=5).map(tuple)


SESSIONS = some.builds(
    Session,
    id=some.builds(new_id),
    room_name=NAMES.map(RoomName),
    identity=NAMES.map(Identity),
    agent_name=TEXTS,
    agent_config=some.dictionaries(some.text(), JSON).map(AgentConfig),
    created_at=TIMES,
    claim=some.builds(
        DispatchClaim,
        holder=some.none() | TEXTS,
        expires_at=some.none() | TIMES,
        uncertain=some.booleans(),
    ),
    # Ended, so that every one of them finds its room free.
    status=some.just(SessionStatus.ENDED),
    room_sid=some.none() | TEXTS,
    dispatch_id=some.none() | TEXTS,
    dispatched_at=some.none() | TIMES,
    active_at=some.none() | TIMES,
    ended_at=some.none() | TIMES,
    phone=some.none()
    | some.builds(
        PhoneCorrelation,
        call_id=some.uuids().map(str).map(CallId),
        direction=some.sampled_from(Direction),
        caller_number=some.none() | TEXTS,
        called_number=some.none() | TEXTS,
    ),
    end_reason=some.none() | some.sampled_from(EndReason),
    end_concluded=some.booleans(),
    agent_id=some.none() | some.uuids().map(str).map(AgentId),
    agent_version=some.none() | some.integers(1, MAX_VERSIONS),
    agent_identity=some.none() | TEXTS,
    agent_joined_at=some.none() | TIMES,
    agent_left_at=some.none() | TIMES,
    agent_adopted=some.booleans(),
    dispatch_attempts=some.integers(0, 2**31 - 2),
    retry_at=some.none() | TIMES,
    join_until=some.none() | TIMES,
    timeline=timelines(SESSION_EVENTS),
    version=some.integers(0, 2**31 - 2),
)
FRESH = some.builds(lambda: str(new_id()))
LEGS = some.builds(
    SipLeg,
    room_name=NAMES,
    room_sid=FRESH,
    participant_sid=FRESH,
    participant_identity=NAMES,
    joined_at=TIMES,
    direction=some.sampled_from(Direction),
    from_number=some.none() | TEXTS,
    to_number=some.none() | TEXTS,
    trunk_id=some.none() | TEXTS,
    dispatch_rule_id=some.none() | TEXTS,
    sip_call_id=some.none() | TEXTS,
    direction_assumed=some.booleans(),
    sip_call_id_full=some.none() | TEXTS,
    sip_status_code=some.none() | some.integers(100, 699),
    carrier_call_id=some.none() | TEXTS,
)
REQUESTS = some.builds(
    DialRequest,
    room_name=NAMES,
    participant_identity=NAMES,
    to_number=TEXTS,
    from_number=some.none() | TEXTS,
    trunk_id=some.none() | TEXTS,
)
PARTIES = some.one_of(
    some.fixed_dictionaries({"leg": LEGS, "placed_at": some.none() | TIMES}),
    some.fixed_dictionaries({"request": REQUESTS, "placed_at": TIMES}),
)


def call_of(parties: dict[str, Any], **fields: Any) -> Call:
    return Call(**parties, **fields)


OBJECTS = some.none() | some.dictionaries(some.text(), JSON)
ROUTES = some.builds(
    CallRoute,
    at=TIMES,
    number=some.none() | TEXTS,
    tenant=some.none() | TEXTS,
    agent=some.none() | TEXTS,
    variables=OBJECTS,
    agent_config=OBJECTS,
    metadata=OBJECTS,
    reject=some.none() | some.integers(400, 699),
    default_because=some.none() | TEXTS,
    webhook=some.none()
    | some.builds(
        WebhookExchange,
        url=TEXTS,
        asked_at=TIMES,
        attempts=some.integers(1, 2),
        answered_after_ms=some.none() | some.integers(0, 2500),
        answered_at=some.none() | TIMES,
    ),
)
CALLS = some.builds(
    call_of,
    PARTIES,
    id=FRESH.map(CallId),
    unanswered_at=some.none() | TIMES,
    ringing_at=some.none() | TIMES,
    seen_active_at=some.none() | TIMES,
    was_active_at_end=some.booleans(),
    ended_at=some.none() | TIMES,
    end_concluded=some.booleans(),
    aborted=some.booleans(),
    disconnect_reason=some.none() | TEXTS,
    session_id=some.none() | some.builds(new_id),
    route=some.none() | ROUTES,
    timeline=timelines(COURSE),
    version=some.integers(0, 2**31 - 2),
)
ENTRIES = some.builds(
    InboxEntry,
    event=some.builds(
        WebhookEvent, id=FRESH, kind=TEXTS, room_name=NAMES, room_sid=TEXTS, body=some.binary()
    ),
    received_at=TIMES,
    due_at=TIMES,
    status=some.sampled_from(InboxStatus),
    failures=some.integers(0, 2**31 - 1),
    last_error=some.none() | TEXTS,
    handled_at=some.none() | TIMES,
)


@pytest.fixture
def ledger(unit_of_work: UnitOfWorkFactory[CallWork]) -> SessionStore:
    return SessionStore(unit_of_work)


def written(stored: object) -> str:
    """``stored`` with every difference visible: ``-0.0``, 1 and 1.0, the order of keys."""
    return repr(stored)


@ENOUGH
@given(session=SESSIONS)
async def test_what_is_added_is_read(ledger: SessionStore, session: Session) -> None:
    await ledger.add(session)
    stored = await ledger.get(session.id, SYSTEM)
    assert stored is not None
    assert written(stored) == written(session)


@ENOUGH
@given(changed=SESSIONS)
async def test_what_is_saved_is_read(ledger: SessionStore, changed: Session) -> None:
    lasting = ("id", "room_name", "identity", "agent_name", "created_at", "phone", "version",
               "agent_id", "agent_version")  # fmt: skip
    await ledger.add(new_session(**{name: getattr(changed, name) for name in lasting}))
    saved = await ledger.save(changed)
    stored = await ledger.get(changed.id, SYSTEM)
    assert stored is not None
    assert written(stored) == written(saved)


@ENOUGH
@given(call=CALLS)
async def test_a_call_that_is_added_is_read(
    unit_of_work: UnitOfWorkFactory[CallWork], call: Call
) -> None:
    async with unit_of_work() as work:
        await work.calls.add(call)
        await work.commit()
    async with unit_of_work() as work:
        assert written(await work.calls.get(call.id, SYSTEM)) == written(call)


@ENOUGH
@given(changed=CALLS)
async def test_a_call_that_is_saved_is_read(
    unit_of_work: UnitOfWorkFactory[CallWork], changed: Call
) -> None:
    async with unit_of_work() as work:
        added = {name: getattr(changed, name) for name in ("id", "leg", "request", "placed_at")}
        await work.calls.add(Call(**added, version=changed.version))
        await work.commit()
        await work.calls.save(changed)
        await work.commit()
    async with unit_of_work() as work:
        assert written(await work.calls.get(changed.id, SYSTEM)) == written(changed.stored())


@ENOUGH
@given(entry=ENTRIES)
async def test_an_event_that_comes_in_is_read(inbox: Inbox, entry: InboxEntry) -> None:
    assert await inbox.add(entry)
    assert written(await inbox.get(entry.event.id)) == written(entry)


@ENOUGH
@given(changed=ENTRIES)
async def test_what_becomes_of_an_event_is_read(inbox: Inbox, changed: InboxEntry) -> None:
    dead = new_entry(event=changed.event, received_at=changed.received_at, status=InboxStatus.DEAD)
    assert await inbox.add(dead)
    assert await inbox.replay(changed)
    assert written(await inbox.get(changed.event.id)) == written(changed)


async def test_the_longest_names_fit_in_every_index(
    unit_of_work: UnitOfWorkFactory[CallWork], inbox: Inbox
) -> None:
    """PostgreSQL refuses a row of more than 2704 bytes in one; no two characters are the same."""
    longest = "".join(chr(0x1F300 + number) for number in range(LONGEST))
    session = new_session(RoomName(longest), identity=Identity(longest))
    number = longest[:LONGEST_NUMBER]
    call = new_call(room_name=longest, from_number=number, to_number=number)
    entry = new_entry(longest, kind="room_finished")
    async with unit_of_work() as work:
        await work.sessions.add(session)
        await work.calls.add(call)
        await work.commit()
        assert await work.sessions.live_in(session.room_name, SYSTEM) == session
        assert await work.calls.newest_in(session.room_name, SYSTEM) == call
    assert await inbox.add(entry)
    assert await inbox.claim("me", NOON, NOON + timedelta(seconds=6), 1) == [entry]


@pytest.mark.parametrize("status", SessionStatus)
async def test_every_status_is_read(ledger: SessionStore, status: SessionStatus) -> None:
    session = await ledger.add(new_session(status=status))
    assert await ledger.get(session.id, SYSTEM) == session


@pytest.mark.parametrize(
    "value",
    ["\0", "\ud7ff\U0001f600\u202e'\"\\;--", 10**400, -(2**63), 1e308, 5e-324, -0.0, {"": [[]]}],
    ids=ascii,
)
async def test_the_callers_own_values_are_read(ledger: SessionStore, value: object) -> None:
    config = AgentConfig.parse({"theirs": value, "greeting": None})
    session = await ledger.add(new_session(agent_config=config))
    stored = await ledger.get(session.id, SYSTEM)
    assert stored is not None
    assert json.dumps(dict(stored.agent_config.values)) == json.dumps(dict(config.values))


async def test_a_time_in_another_zone_is_read_as_the_same_time(ledger: SessionStore) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    session = await ledger.add(new_session(created_at=elsewhere))
    stored = await ledger.get(session.id, SYSTEM)
    assert stored is not None
    assert stored.created_at == NOON
