"""A call: one phone participant's stay in one room instance."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.identifiers import CallId, SessionId


class CallStatus(enum.StrEnum):
    """Where a call is in its life; ``failed`` ended without ever having been answered."""

    CREATED = "created"
    RINGING = "ringing"
    ACTIVE = "active"
    ENDED = "ended"
    FAILED = "failed"


class Direction(enum.StrEnum):
    """Who called whom, seen from the service."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Source(enum.StrEnum):
    """Who told of a fact; the first of those who tell the same is named."""

    WEBHOOK = "webhook"
    RECONCILER = "reconciler"
    API = "api"


class LegStatus(enum.StrEnum):
    """What LiveKit's ``sip.callStatus`` says (https://docs.livekit.io/sip/sip-participant/)."""

    DIALING = "dialing"
    RINGING = "ringing"
    ACTIVE = "active"
    AUTOMATION = "automation"
    HANGUP = "hangup"


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

LISTED_WITHIN: Final = timedelta(seconds=2)
"""How long after joining LiveKit may not yet list a participant."""

ROOM_CLOSED: Final = "ROOM_CLOSED"
"""The reason where a room's end is all that was told of a call's; gives way to any other."""


COURSE: Final = ("joined", "ringing", "active", "agent_dispatched", "left")


@attrs.frozen
class TimelineEntry:
    """One thing that happened: ``what`` at ``at``, as ``source`` told.

    ``what`` is ``joined``, ``ringing``, ``active``, ``agent_dispatched`` or ``left``.
    """

    at: datetime
    what: str
    source: Source

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Sorts entries by time; what happened at once is in the order of a call's course."""
        return self.at, COURSE.index(self.what), list(Source).index(self.source)


@attrs.frozen(kw_only=True)
class PhoneLeg:
    """What is the same in everything that LiveKit tells of a phone participant.

    ``from_number`` and ``to_number`` are E.164 where they parse, else as given.
    """

    room_name: str
    room_sid: str
    participant_sid: str
    participant_identity: str
    joined_at: datetime
    direction: Direction = Direction.INBOUND
    from_number: str | None = None
    to_number: str | None = None
    trunk_id: str | None = None
    dispatch_rule_id: str | None = None
    sip_call_id: str | None = None

    def may_be_unlisted(self, now: datetime) -> bool:
        """Whether LiveKit not listing the participant says nothing yet."""
        return now < self.joined_at + LISTED_WITHIN


@attrs.frozen(kw_only=True)
class Call:
    """A phone call, as far as facts have told of it.

    Immutable; :meth:`seen` and :meth:`gone` are facts. They commute, and a repeated one changes
    nothing: each field keeps the earliest or the most telling value, and ``status`` is read off
    the fields. So lost, doubled and swapped webhooks and the reconciler's findings end up alike.
    ``tenant`` is its session's. Times are UTC with millisecond precision.
    """

    id: CallId
    leg: PhoneLeg
    ringing_at: datetime | None = None
    seen_active_at: datetime | None = None
    was_active_at_end: bool = False
    ended_at: datetime | None = None
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
        """When the call became active; the nearest time that is known if nobody saw it happen."""
        if self.seen_active_at is not None:
            return self.seen_active_at
        if not self.was_active_at_end:
            return None
        return self.created_at if self.ringing_at is None else self.ended_at

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
    def age(self) -> tuple[datetime, str]:
        """Sorts calls by when they were created, then by id: the newest is the greatest."""
        return self.created_at, self.id.value

    @property
    def duration(self) -> timedelta | None:
        """From the answer to the end; None while the call lives, zero if it was never answered."""
        if self.ended_at is None:
            return None
        if self.answered_at is None:
            return timedelta()
        return max(self.ended_at - self.answered_at, timedelta())

    def seen(self, leg_status: LegStatus | None, at: datetime, source: Source) -> Call:
        """After the participant was seen in the room at ``at``.

        Without a ``leg_status`` whoever is in the room talks.
        """
        call = self._noted(self.created_at, "joined", source)
        match leg_status:
            case LegStatus.RINGING:
                ringing_at = _earliest(call.ringing_at, at)
                return attrs.evolve(call, ringing_at=ringing_at)._noted(at, "ringing", source)
            case LegStatus.ACTIVE | LegStatus.AUTOMATION | None:
                active_at = _earliest(call.seen_active_at, at)
                return attrs.evolve(call, seen_active_at=active_at)._noted(at, "active", source)
        return call

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
        active = last_status in (LegStatus.ACTIVE, LegStatus.AUTOMATION)
        return attrs.evolve(
            self,
            ended_at=_earliest(self.ended_at, at),
            was_active_at_end=self.was_active_at_end or active,
            aborted=self.aborted or aborted,
            disconnect_reason=_more_telling(self.disconnect_reason, reason),
        )._noted(at, "left", source)

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
