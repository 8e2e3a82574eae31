"""Which dispatches of an agent are events."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from domain.calls.apply_fact import apply
from domain.calls.call_facts import AgentDispatched
from domain.events.domain_event import EventKind
from domain.sessions.session import AT_ONCE, Session
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import NOON, new_call, new_session

K = EventKind
SOON: Final = NOON + timedelta(milliseconds=300)
LATER: Final = NOON + timedelta(minutes=1)


def kinds(session: Session) -> list[EventKind]:
    return [news.kind for news in session.news]


def test_the_dispatch_that_a_session_begins_with_is_none() -> None:
    session = new_session().with_agent_dispatched("AD_1", SOON)

    assert kinds(session) == []
    assert session.agent_dispatched


@pytest.mark.parametrize(
    ("session", "at"),
    [
        (new_session(), NOON + AT_ONCE),
        (new_session(join_until=LATER), SOON),
        (new_session().with_dispatch_failed(NOON, uncertain=False).without_news(), SOON),
        (new_session().with_agent_dispatched("AD_0", NOON), SOON),
    ],
    ids=["late", "on join", "after a failure", "again"],
)
def test_every_other_dispatch_is_an_event(session: Session, at: object) -> None:
    again = session.with_agent_dispatched("AD_1", at)  # type: ignore[arg-type]

    assert kinds(again) == [K.SESSION_AGENT_DISPATCHED]
    assert again.news[0].at == at


def test_a_dispatch_that_was_found_is_an_event_with_its_source() -> None:
    session = new_session().with_agent_adopted("AD_1", SOON, Source.RECONCILER)

    assert kinds(session) == [K.SESSION_AGENT_DISPATCHED]
    assert session.news[0].source is Source.RECONCILER


def test_an_agent_for_a_call_is_an_event_once() -> None:
    session, call = new_session(), new_call()
    fact = AgentDispatched(session_id=session.id, tenant=None, at=LATER)

    served = apply(call, fact)
    again = apply(served, fact)

    assert [(news.kind, news.at) for news in served.news] == [(K.CALL_AGENT_DISPATCHED, LATER)]
    assert again.news == served.news
