"""A call: one phone participant's stay in one room instance."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.calls.room_calls import CallOutline
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.shared.identifiers import CallId, SessionId
from domain.shared.timeline import Source, TimelineEntry


class CallStatus(enum.StrEnum):
    """Where a call is in its life; ``failed`` ended without ever having been answered."""

    CREATED = "created"
    RINGING = "ringing"
    ACTIVE = "active"
    ENDED = "ended"
    FAILED = "failed"


class Precision(enum.StrEnum):
    """How a reported value relates to the true one."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    UNKNOWN = "unknown"


FAILURES: Final = frozenset(
    {
        "USER_UNAVAILABLE",
        "USER_REJECTED",
        "SIP_TRUNK_FAILURE",
        "JOIN_FAILURE",
        "MEDIA_FAILURE",
        "CONNECTION_TIMEOUT",
    }
)
"""LiveKit's disconnect reasons that make an unanswered call a failed one."""

NEVER_ANSWERED: Final = frozenset(
    {"USER_UNAVAILABLE", "USER_REJECTED", "SIP_TRUNK_FAILURE", "JOIN_FAILURE"}
)
"""Those of them that LiveKit gives only before the answer (livekit/sip, pkg/sip/errors.go)."""

_ANSWERED: Final = (LegStatus.ACTIVE, LegStatus.AUTOMATION)
_UNANSWERED: Final = (LegStatus.DIALING, LegStatus.RINGING)

ROOM_CLOSED: Final = "ROOM_CLOSED"
"""The reason where a room's end is all that was told of a call's; gives way to any other."""


@attrs.frozen(kw_only=True)
class Call:
    """A phone call, as far as facts have told of it.

    Immutable; :meth:`seen`, :meth:`gone` and :meth:`described_by` are facts. They commute, and a
    repeated one changes nothing: each field keeps the earliest or the most telling value, and
    ``status`` is read off the fields. So lost, doubled and swapped webhooks and the reconciler's
    findings end up alike.
    ``tenant`` is its session's. Times are UTC with millisecond precision. ``unanswered_at`` is the
    latest time at which the leg was seen dialing or ringing.

    An end that a webhook told is final. One that was concluded from an absence
    (``end_concluded``) gives way to it, and to the participant being seen again.
    """

    id: CallId
    leg: SipLeg
    ringing_at: datetime | None = None
    unanswered_at: datetime | None = None
    seen_active_at: datetime | None = None
    was_active_at_end: bool = False
    ended_at: datetime | None = None
    end_concluded: bool = False
    aborted: bool = False
    disconnect_reason: str | None = None
    session_id: SessionId | None = None
    timeline: tuple[TimelineEntry, ...] = ()
    tenant: str | None = None
    version: int = 0

    @property
    def created_at(self) -> datetime:
        """When the participant joined."""
        return self.leg.joined_at

    @property
    def answered_at(self) -> datetime | None:
        """The earliest time at which the call is known to have been answered by then."""
        if self.seen_active_at is not None:
            return self.seen_active_at
        return self.ended_at if self._was_answered_unseen else None

    @property
    def answered_at_is(self) -> Precision:
        """How ``answered_at`` relates to the moment of the answer.

        ``EXACT`` is the moment (None: it was never answered), ``AT_MOST`` a time by which it had
        been answered. ``UNKNOWN``: no answer was seen, which says nothing.
        """
        if self.answered_at is not None:
            exact = self.answered_at == self.created_at
            return Precision.EXACT if exact else Precision.AT_MOST
        return Precision.EXACT if self._was_never_answered else Precision.UNKNOWN

    @property
    def _was_answered_unseen(self) -> bool:
        """Whether only its end says that it was answered."""
        return self.ended_at is not None and (self.was_active_at_end or self.leg.reports_answer)

    @property
    def _was_never_answered(self) -> bool:
        if self.ended_at is None or self.answered_at is not None:
            return False
        # The same fact set both: a look's time is by another clock than LiveKit's.
        rang_to_the_end = self.unanswered_at == self.ended_at
        return self.aborted or self.disconnect_reason in NEVER_ANSWERED or rang_to_the_end

    @property
    def _not_answered_before(self) -> datetime:
        """The latest time by which it is known not to have been answered yet."""
        seen = [self.created_at, self.unanswered_at or self.ringing_at or self.created_at]
        return min(max(seen), self.answered_at or max(seen))

    @property
    def _ended_at_is(self) -> Precision:
        """``EXACT`` if LiveKit told that the participant left, else found out some time after."""
        told = any(
            entry.what == "left" and entry.source is Source.WEBHOOK for entry in self.timeline
        )
        exact = told and self.disconnect_reason != ROOM_CLOSED
        return Precision.EXACT if exact else Precision.AT_MOST

    @property
    def status(self) -> CallStatus:
        """Where the call is in its life."""
        if self.ended_at is not None:
            failed = self.aborted or self.disconnect_reason in FAILURES
            return CallStatus.FAILED if failed and self.answered_at is None else CallStatus.ENDED
        if self.answered_at is not None:
            return CallStatus.ACTIVE
        return CallStatus.RINGING if self.ringing_at is not None else CallStatus.CREATED

    @property
    def is_live(self) -> bool:
        """Whether the participant is not known to have gone."""
        return self.ended_at is None

    @property
    def outline(self) -> CallOutline:
        """The part that the reconciler chooses by."""
        return CallOutline(
            id=self.id,
            room_name=self.leg.room_name,
            room_sid=self.leg.room_sid,
            is_answered=self.status is CallStatus.ACTIVE,
            has_session=self.session_id is not None,
        )

    @property
    def age(self) -> tuple[datetime, str]:
        """Sorts calls by when they were created, then by id: the newest is the greatest."""
        return self.created_at, self.id.value

    @property
    def duration(self) -> timedelta | None:
        """From the answer to the end, as exactly as ``duration_is`` says.

        None while the call lives, or if it is unknown whether it was answered; zero if it was not.
        """
        if self.ended_at is None or self.duration_is is Precision.UNKNOWN:
            return None
        if self.answered_at is None:
            return timedelta()
        at_most = self.duration_is is Precision.AT_MOST
        since = self._not_answered_before if at_most else self.answered_at
        return max(self.ended_at - since, timedelta())

    @property
    def duration_is(self) -> Precision | None:
        """How ``duration`` relates to the true one; None while the call lives."""
        if self.ended_at is None:
            return None
        if self.answered_at is None:
            return self.answered_at_is
        exact_end = self._ended_at_is is Precision.EXACT
        if self.answered_at_is is Precision.EXACT:
            return Precision.EXACT if exact_end else Precision.AT_MOST
        seen = self.seen_active_at is not None
        return Precision.AT_LEAST if exact_end and seen else Precision.AT_MOST

    def seen(self, leg_status: LegStatus | None, at: datetime, source: Source) -> Call:
        """After the participant was seen in the room at ``at``.

        Without a ``leg_status`` whoever is in the room talks. A webhook tells what the leg was when
        it joined, so a call that did not have to be placed was answered in that moment.
        """
        call = self._reopened(at, source)._noted(self.created_at, "joined", source)
        if leg_status in _UNANSWERED:
            call = attrs.evolve(call, unanswered_at=max(call.unanswered_at or at, at))
        match leg_status:
            case LegStatus.RINGING:
                ringing_at = _earliest(call.ringing_at, at)
                return attrs.evolve(call, ringing_at=ringing_at)._noted(at, "ringing", source)
            case LegStatus.ACTIVE | LegStatus.AUTOMATION | None:
                if leg_status and source is Source.WEBHOOK and not self._was_placed:
                    at = self.created_at
                active_at = _earliest(call.seen_active_at, at)
                return attrs.evolve(call, seen_active_at=active_at)._noted(at, "active", source)
        return call

    @property
    def _was_placed(self) -> bool:
        return self.leg.direction is Direction.OUTBOUND

    def gone(
        self,
        at: datetime,
        source: Source,
        *,
        reason: str | None = None,
        last_status: LegStatus | None = None,
        aborted: bool = False,
    ) -> Call:
        """After the participant was found, or told, to have left by ``at``.

        ``reason`` is LiveKit's ``disconnectReason``; ``last_status`` what the leg last said;
        ``aborted`` a connection that broke before it was ready.
        """
        unanswered_at = self.unanswered_at
        if last_status in _UNANSWERED:
            unanswered_at = max(unanswered_at or at, at)
        concluded = source is not Source.WEBHOOK
        if self.ended_at is not None and concluded and not self.end_concluded:
            return self  # LiveKit told when it was
        call = self._without_end() if self.end_concluded and not concluded else self
        return attrs.evolve(
            call,
            unanswered_at=unanswered_at,
            ended_at=_earliest(call.ended_at, at),
            end_concluded=concluded,
            was_active_at_end=self.was_active_at_end or last_status in _ANSWERED,
            aborted=self.aborted or aborted,
            disconnect_reason=_more_telling(call.disconnect_reason, reason),
        )._noted(at, "left", source)

    def _reopened(self, at: datetime, source: Source) -> Call:
        """With an end taken back that was concluded before the participant was seen at ``at``.

        A webhook tells of an earlier time than that at which it is heard.
        """
        wrong = self.end_concluded and self.ended_at is not None and at > self.ended_at
        if not wrong or source is Source.WEBHOOK:
            return self
        return self._without_end()._noted(at, "reopened", source)

    def _without_end(self) -> Call:
        """Without what was concluded of its end."""
        return attrs.evolve(
            self,
            ended_at=None,
            end_concluded=False,
            disconnect_reason=None,
            timeline=tuple(entry for entry in self.timeline if entry.what != "left"),
        )

    def described_by(self, leg: SipLeg) -> Call:
        """After LiveKit reported ``leg`` of the participant, which may complete what is known."""
        return attrs.evolve(self, leg=self.leg.completed_by(leg))

    def served_by(self, session_id: SessionId, at: datetime, tenant: str | None = None) -> Call:
        """After an agent was dispatched for it, in session ``session_id`` of ``tenant``'s."""
        call = self
        if self.session_id is None:
            call = attrs.evolve(self, session_id=session_id, tenant=tenant)
        return call._noted(at, "agent_dispatched", Source.API)

    def stored(self) -> Call:
        """As a reader sees it once this change is stored."""
        return attrs.evolve(self, version=self.version + 1)

    def _noted(self, at: datetime, what: str, source: Source) -> Call:
        """With the earliest entry of each kind, in order of time."""
        earliest = {entry.what: entry for entry in self.timeline}
        entry = TimelineEntry(at, what, source)
        earliest[what] = min(entry, earliest.get(what, entry), key=lambda one: one.place)
        timeline = tuple(sorted(earliest.values(), key=lambda one: one.place))
        return attrs.evolve(self, timeline=timeline)


def _earliest(known: datetime | None, told: datetime) -> datetime:
    return told if known is None else min(known, told)


def _more_telling(known: str | None, told: str | None) -> str | None:
    """The same of two reasons whichever came first."""
    reasons = [reason for reason in (known, told) if reason is not None]
    return min(reasons, key=lambda reason: (reason == ROOM_CLOSED, reason), default=None)
