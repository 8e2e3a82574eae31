"""Apply facts to a call.

Facts commute, and a repeated fact changes nothing: each field keeps the earliest or the most
informative value, and the status is derived from the fields. So lost, repeated and reordered
webhooks, and what the reconciler finds, give the same call in the end. Of two routes the first
one that is recorded stays: it is a decision, and not something that was observed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

import attrs

from domain.calls.call import Call
from domain.calls.call_events import with_news
from domain.calls.call_facts import (
    ROOM_CLOSED,
    AgentDispatched,
    CallFact,
    CallRouted,
    LegDescribed,
    ParticipantLeft,
    ParticipantSeen,
    RoomClosed,
)
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.shared.timeline import Source, TimelineEntry

_ANSWERED: Final = (LegStatus.ACTIVE, LegStatus.AUTOMATION)
_UNANSWERED: Final = (LegStatus.DIALING, LegStatus.RINGING)


def apply(call: Call, *facts: CallFact) -> Call:
    """Return ``call`` after ``facts``, with what they give others to know."""
    after = call
    for fact in facts:
        after = _apply(after, fact)
    if call.is_end_announced and after.ended_at is None and after.seen_active_at is None:
        # An answer that was announced with the end stays when the end is undone.
        after = attrs.evolve(after, seen_active_at=call.answered_at)
    return with_news(call, after)


def _apply(call: Call, fact: CallFact) -> Call:
    match fact:
        case LegDescribed():
            return _described(call, fact.leg)
        case ParticipantSeen():
            return _seen(call, fact)
        case ParticipantLeft():
            return _ended(call, fact)
        case RoomClosed():
            return _ended(call, ParticipantLeft(fact.at, fact.source, reason=ROOM_CLOSED))
        case CallRouted():
            return _routed(call, fact)
        case AgentDispatched():
            return _served(call, fact)
    assert_never(fact)


def _described(call: Call, leg: SipLeg) -> Call:
    """Return the call with what ``leg`` adds: the whole leg if it was being dialled."""
    if call.leg is not None:
        return attrs.evolve(call, leg=call.leg.completed_by(leg))
    parties = call.parties
    completed = attrs.evolve(
        leg,
        from_number=leg.from_number or parties.from_number,
        to_number=leg.to_number or parties.to_number,
        trunk_id=leg.trunk_id or parties.trunk_id,
    )
    return attrs.evolve(call, leg=completed, request=None)


def _seen(call: Call, fact: ParticipantSeen) -> Call:
    """Return the call after its participant was seen; :class:`LegDescribed` comes before that.

    A webhook reports the leg as it was at the join, so an inbound call that was active then was
    answered in that moment.
    """
    at, source, leg_status = fact.at, fact.source, fact.leg_status
    joined_at = call.joined_at or at
    call = _with_entry(_reopened(call, fact), joined_at, "joined", source)
    if leg_status in _UNANSWERED:
        call = attrs.evolve(call, unanswered_at=max(call.unanswered_at or at, at))
    match leg_status:
        case LegStatus.RINGING:
            ringing_at = _earliest(call.ringing_at, at)
            return _with_entry(attrs.evolve(call, ringing_at=ringing_at), at, "ringing", source)
        case LegStatus.ACTIVE | LegStatus.AUTOMATION | None:
            inbound = call.parties.direction is Direction.INBOUND
            if leg_status and source is Source.WEBHOOK and inbound:
                at = joined_at
            active_at = _earliest(call.seen_active_at, at)
            return _with_entry(attrs.evolve(call, seen_active_at=active_at), at, "active", source)
    return call


def _ended(call: Call, fact: ParticipantLeft) -> Call:
    """Return the call after its end.

    An end that a webhook reported is final. One that was concluded from an absence gives way to
    it, and to the participant being seen again.
    """
    unanswered_at = call.unanswered_at
    if fact.last_status in _UNANSWERED:
        unanswered_at = max(unanswered_at or fact.at, fact.at)
    concluded = fact.source is not Source.WEBHOOK
    if call.ended_at is not None and concluded and not call.end_concluded:
        return call  # a webhook reported the end
    if call.end_concluded and not concluded:
        call = _without_end(call)
    ended = attrs.evolve(
        call,
        unanswered_at=unanswered_at,
        ended_at=_earliest(call.ended_at, fact.at),
        end_concluded=concluded,
        was_active_at_end=call.was_active_at_end or fact.last_status in _ANSWERED,
        aborted=call.aborted or fact.aborted,
        disconnect_reason=_more_informative(call.disconnect_reason, fact.reason),
    )
    return _with_entry(ended, fact.at, "left", fact.source)


def _routed(call: Call, fact: CallRouted) -> Call:
    """Return the call after a decision; the first one stays, and none comes after an agent."""
    if call.route is not None or call.session_id is not None or call.placed_at is not None:
        return call
    tenant = call.tenant if fact.route.number is None else fact.route.tenant
    return attrs.evolve(call, route=fact.route, tenant=tenant)


def _served(call: Call, fact: AgentDispatched) -> Call:
    """Return the call after an agent was dispatched for it; the first session stays."""
    if call.session_id is None:
        has_tenant = call.placed_at is not None or _is_of_a_number(call)
        tenant = call.tenant if has_tenant else fact.tenant
        call = attrs.evolve(call, session_id=fact.session_id, tenant=tenant)
    return _with_entry(call, fact.at, "agent_dispatched", Source.API)


def _is_of_a_number(call: Call) -> bool:
    """Return whether the call belongs to the tenant of a stored phone number."""
    return call.route is not None and call.route.number is not None


def _reopened(call: Call, fact: ParticipantSeen) -> Call:
    """Undo an end that was concluded before the participant was seen.

    A webhook does not undo it: the event happened earlier than it was received.
    """
    wrong = call.end_concluded and call.ended_at is not None and fact.at > call.ended_at
    if not wrong or fact.source is Source.WEBHOOK:
        return call
    return _with_entry(_without_end(call), fact.at, "reopened", fact.source)


def _without_end(call: Call) -> Call:
    """Return the call without what was concluded of its end."""
    return attrs.evolve(
        call,
        ended_at=None,
        end_concluded=False,
        disconnect_reason=None,
        timeline=tuple(entry for entry in call.timeline if entry.what != "left"),
    )


def _with_entry(call: Call, at: datetime, what: str, source: Source) -> Call:
    """Return the call with the earliest timeline entry of each kind, in order of time."""
    earliest = {entry.what: entry for entry in call.timeline}
    new = TimelineEntry(at, what, source)
    earliest[what] = min(new, earliest.get(what, new), key=lambda entry: entry.place)
    timeline = tuple(sorted(earliest.values(), key=lambda entry: entry.place))
    return attrs.evolve(call, timeline=timeline)


def _earliest(known: datetime | None, reported: datetime) -> datetime:
    return reported if known is None else min(known, reported)


def _more_informative(known: str | None, reported: str | None) -> str | None:
    """Return the same of two reasons in either order."""
    reasons = [reason for reason in (known, reported) if reason is not None]
    return min(reasons, key=lambda reason: (reason == ROOM_CLOSED, reason), default=None)
