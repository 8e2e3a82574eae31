"""A phone call as JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec

from domain.calls.call import Call, CallStatus, Precision
from domain.phone_numbers.call_route import ROUTE_EVENTS
from domain.rooms.sip_leg import Direction
from domain.shared.timeline import COURSE, Source
from entrypoints.presenters.fields import Timestamp, Uuid, documented
from entrypoints.presenters.times import rfc3339, rfc3339_or_none

Happening = Annotated[str, documented(enum=[*COURSE, *ROUTE_EVENTS])]
AnsweredAtIs = Annotated[
    str, documented(enum=[Precision.EXACT, Precision.AT_MOST, Precision.UNKNOWN])
]
DirectionIs = Annotated[str, documented(enum=["reported", "assumed"])]


class TimelineResponse(msgspec.Struct, kw_only=True):
    """One thing that happened to a call, and its source: a webhook, the reconciler or the API.

    `detail` says how a call to a stored phone number was decided.
    """

    at: Timestamp
    what: Happening
    source: Source
    detail: str | msgspec.UnsetType = msgspec.UNSET


class CallResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A phone call as the ledger has it. Times are RFC 3339 in UTC with milliseconds.

    `from` and `to` are E.164 where they parse. `directionIs` is `assumed` where LiveKit does not
    report who called whom; then `from` is the other side's number.

    `answeredAtIs` is `exact` if `answeredAt` is the moment of the answer (null: there was none),
    `at_most` if it is a time by which the call had been answered, `unknown` if no answer was seen,
    which does not mean that there was none. `durationSeconds`, from the answer to the end, is
    `exact`, a bound (`at_least`, `at_most`) or `unknown` by `durationIs`.

    `sipCallIdFull` is the SIP Call-ID, `sipStatusCode` the SIP response that ended the call's
    set-up, `carrierCallId` the carrier's own id (such as Twilio's call SID); null if not reported.
    `roomSid` is null while the call is being dialled.
    """

    call_id: Uuid
    session_id: Uuid | None
    room_name: str
    room_sid: str | None
    direction: Direction
    direction_is: DirectionIs
    from_number: str | None = msgspec.field(name="from")
    to_number: str | None = msgspec.field(name="to")
    trunk_id: str | None
    dispatch_rule_id: str | None
    sip_call_id: str | None
    sip_call_id_full: str | None
    sip_status_code: int | None
    carrier_call_id: str | None
    participant_identity: str
    status: CallStatus
    agent_dispatched: bool
    created_at: Timestamp
    answered_at: Timestamp | None
    answered_at_is: AnsweredAtIs
    ended_at: Timestamp | None
    duration_seconds: float | None
    duration_is: Precision | None
    disconnect_reason: str | None
    timeline: list[TimelineResponse]


def call_response(call: Call) -> CallResponse:
    """Return ``call`` as the contract shows it."""
    leg, parties, duration = call.leg, call.parties, call.duration
    return CallResponse(
        call_id=str(call.id),
        session_id=None if call.session_id is None else str(call.session_id),
        room_name=parties.room_name,
        room_sid=call.room_sid,
        direction=parties.direction,
        direction_is="assumed" if parties.direction_assumed else "reported",
        from_number=parties.from_number,
        to_number=parties.to_number,
        trunk_id=parties.trunk_id,
        dispatch_rule_id=None if leg is None else leg.dispatch_rule_id,
        sip_call_id=None if leg is None else leg.sip_call_id,
        sip_call_id_full=None if leg is None else leg.sip_call_id_full,
        sip_status_code=None if leg is None else leg.sip_status_code,
        carrier_call_id=None if leg is None else leg.carrier_call_id,
        participant_identity=parties.participant_identity,
        status=call.status,
        agent_dispatched=call.session_id is not None,
        created_at=rfc3339(call.created_at),
        answered_at=rfc3339_or_none(call.answered_at),
        answered_at_is=call.answered_at_is,
        ended_at=rfc3339_or_none(call.ended_at),
        duration_seconds=None if duration is None else duration.total_seconds(),
        duration_is=call.duration_is,
        disconnect_reason=call.disconnect_reason,
        timeline=_timeline(call),
    )


def _timeline(call: Call) -> list[TimelineResponse]:
    """Return what happened to the call, and how it was routed, in order of time."""
    timeline = [
        TimelineResponse(at=rfc3339(entry.at), what=entry.what, source=entry.source)
        for entry in call.timeline
    ]
    if call.route is None:
        return timeline
    timeline += [
        TimelineResponse(
            at=rfc3339(event.at), what=event.what, source=Source.API, detail=event.detail
        )
        for event in call.route.events()
    ]
    return sorted(timeline, key=lambda entry: entry.at)
