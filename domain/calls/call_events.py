"""The domain events of a call: what a change of it gives others to know.

An end is announced once it is final: a webhook reported the participant's leaving with its reason.
Another end is announced later, unless it is undone or corrected before. What is learned after that
is a correction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from domain.calls.call import Call, CallStatus
from domain.calls.call_facts import ROOM_CLOSED
from domain.events.announcer import Announcer
from domain.events.domain_event import DomainEvent, EventKind, News
from domain.shared.timeline import Source


def with_news(before: Call, after: Call) -> Call:
    """Return the call ``after`` facts, with what they add to what was announced ``before``."""
    if before.session_id is None and after.session_id is not None:
        served = _news(after, EventKind.CALL_AGENT_DISPATCHED, None, "agent_dispatched")
        after = _with(after, (served,))
    if before.is_end_announced:
        if _conclusion(before) == _conclusion(after):
            return after
        return _with(after, (_news(after, EventKind.CALL_CORRECTED, after.ended_at),))
    news = _course(before, after)
    if after.ended_at is None:
        return attrs.evolve(_with(after, news), end_pending=False)
    if _is_final(after):
        return end_announced(_with(after, news))
    return attrs.evolve(_with(after, news), end_pending=True)


def end_announced(call: Call) -> Call:
    """Return the call, whose end is to be announced now."""
    news = []
    if call.answered_at is not None and call.seen_active_at is None:
        news.append(_news(call, EventKind.CALL_ANSWERED, call.answered_at))
    failed = call.status is CallStatus.FAILED
    kind = EventKind.CALL_FAILED if failed else EventKind.CALL_ENDED
    news.append(_news(call, kind, call.ended_at))
    return attrs.evolve(_with(call, tuple(news)), end_pending=False)


def call_events(
    announcer: Announcer, call: Call, shown: Call, *, is_new: bool
) -> list[DomainEvent]:
    """Return the events of a change of ``call``, which show it as ``shown``."""
    news = call.news
    if is_new:
        first = min((entry.source for entry in call.timeline[:1]), default=Source.API)
        source = first if call.placed_at is None else Source.API
        news = (News(EventKind.CALL_CREATED, call.created_at, source), *news)
    return announcer.events(
        news,
        shown,
        lane=call.id.value,
        tenant=call.tenant,
        session_id=call.session_id,
        call_id=call.id,
    )


def _course(before: Call, after: Call) -> tuple[News, ...]:
    """Return whether the call began to ring, and was seen to be answered.

    An answer that only the end shows is announced with the end, which may be undone.
    """
    news = []
    ringing_at, active_at = after.ringing_at, after.seen_active_at
    if before.seen_active_at is not None:
        return ()
    rang = before.ringing_at is None and ringing_at is not None
    if rang and (active_at is None or ringing_at is None or ringing_at <= active_at):
        news.append(_news(after, EventKind.CALL_RINGING, ringing_at, "ringing"))
    if active_at is not None:
        news.append(_news(after, EventKind.CALL_ANSWERED, active_at, "active"))
    return tuple(news)


def _is_final(call: Call) -> bool:
    """Whether a webhook reported the end with its reason."""
    return not call.end_concluded and call.disconnect_reason not in (None, ROOM_CLOSED)


def _conclusion(call: Call) -> tuple[Any, ...]:
    """Return what the announcement of an end says of the call."""
    return (
        call.status,
        call.answered_at,
        call.answered_at_is,
        call.ended_at,
        call.duration,
        call.duration_is,
        call.disconnect_reason,
    )


def _news(call: Call, kind: EventKind, at: datetime | None, what: str = "left") -> News:
    """Return news with the source of the timeline's entry; of the last one if it has none."""
    entries = [entry for entry in call.timeline if entry.what == what] or call.timeline[-1:]
    source = entries[0].source if entries else Source.API
    return News(kind, at or (entries[0].at if entries else call.created_at), source)


def _with(call: Call, news: tuple[News, ...]) -> Call:
    return attrs.evolve(call, news=(*call.news, *news)) if news else call
