"""How soon an agent is dispatched again that did not come, or went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.agents.agent_config import AgentConfig
from domain.sessions.agent_timeouts import TAKEN_WITHIN
from domain.sessions.session import Session
from domain.shared.identifiers import Identity, RoomName, SessionId
from domain.shared.timeline import Source

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def dispatched(times: int) -> Session:
    session = Session(
        id=SessionId("01890000-0000-7000-8000-000000000001"),
        room_name=RoomName("room"),
        identity=Identity("ann"),
        agent_name="agent",
        agent_config=AgentConfig.parse(None),
        created_at=NOW,
    )
    for number in range(times):
        session = session.with_agent_dispatched(f"AD_{number}", NOW)
    return session


@pytest.mark.parametrize(("times", "wait"), [(1, 0), (3, 0), (6, 0), (7, 8), (100, 8)])
def test_given_no_worker_took_it_then_it_is_dispatched_again_soon_after_that_is_known(
    times: int, wait: int
) -> None:
    known_at = NOW + TAKEN_WITHIN
    missing = dispatched(times).without_agent(known_at, Source.RECONCILER, taken=False)
    assert missing.retry_at is not None
    assert max(missing.retry_at, known_at) == known_at + timedelta(seconds=wait)


@pytest.mark.parametrize(("times", "seconds"), [(1, 5), (2, 10), (3, 20), (10, 60)])
def test_given_its_worker_took_it_in_vain_then_each_further_dispatch_waits_longer(
    times: int, seconds: int
) -> None:
    missing = dispatched(times).without_agent(NOW, Source.RECONCILER)
    assert not missing.may_retry(NOW + timedelta(seconds=seconds - 1))
    assert missing.may_retry(NOW + timedelta(seconds=seconds))
