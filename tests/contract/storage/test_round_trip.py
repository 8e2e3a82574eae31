"""Every field comes back as it was stored."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from domain.agent_config import AgentConfig
from domain.call import Direction
from domain.dispatch import DispatchClaim
from domain.identifiers import CallId, Identity, RoomName
from domain.ledger import Ledger
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.session import EndReason, PhoneCorrelation, Session, SessionStatus
from tests.contract.storage.ledgers import NOON, new_id, new_session

ENOUGH = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
        call_id=some.uuids().map(lambda number: CallId(str(number))),
        direction=some.sampled_from(Direction),
        caller_number=some.none() | TEXTS,
        called_number=some.none() | TEXTS,
    ),
    end_reason=some.none() | some.sampled_from(EndReason),
    version=some.integers(0, 2**31 - 2),
)


@pytest.fixture
def ledger(unit_of_work: UnitOfWorkFactory) -> Ledger:
    return Ledger(unit_of_work)


def written(session: Session) -> str:
    """``session`` with every difference visible: ``-0.0``, 1 and 1.0, the order of keys."""
    return repr(session)


@ENOUGH
@given(session=SESSIONS)
async def test_what_is_added_is_read(ledger: Ledger, session: Session) -> None:
    await ledger.add(session)
    stored = await ledger.get(session.id)
    assert stored is not None
    assert written(stored) == written(session)


@ENOUGH
@given(changed=SESSIONS)
async def test_what_is_saved_is_read(ledger: Ledger, changed: Session) -> None:
    session = await ledger.add(new_session(version=changed.version))
    changed = attrs.evolve(changed, id=session.id, room_name=session.room_name)
    assert changed.version == session.version
    saved = await ledger.save(changed)
    stored = await ledger.get(session.id)
    assert stored is not None
    assert written(stored) == written(saved)


@pytest.mark.parametrize("status", SessionStatus)
async def test_every_status_is_read(ledger: Ledger, status: SessionStatus) -> None:
    session = await ledger.add(new_session(status=status))
    assert await ledger.get(session.id) == session


@pytest.mark.parametrize(
    "value",
    ["\0", "\ud7ff\U0001f600\u202e'\"\\;--", 10**400, -(2**63), 1e308, 5e-324, -0.0, {"": [[]]}],
    ids=ascii,
)
async def test_the_callers_own_values_are_read(ledger: Ledger, value: object) -> None:
    config = AgentConfig.parse({"theirs": value, "greeting": None})
    session = await ledger.add(new_session(agent_config=config))
    stored = await ledger.get(session.id)
    assert stored is not None
    assert json.dumps(dict(stored.agent_config.values)) == json.dumps(dict(config.values))


async def test_a_time_in_another_zone_is_read_as_the_same_time(ledger: Ledger) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    session = await ledger.add(new_session(created_at=elsewhere))
    stored = await ledger.get(session.id)
    assert stored is not None
    assert stored.created_at == NOON
