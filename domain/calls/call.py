"""A phone call: one phone participant's stay in one room instance."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

import attrs

from domain.calls.call_facts import FAILURES, NEVER_ANSWERED, ROOM_CLOSED
from domain.calls.dial_request import DialRequest
from domain.calls.room_calls import CallOutline
from domain.events.domain_event import News
from domain.phone_numbers.call_route import CallRoute
from domain.rooms.sip_leg import SipLeg
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


@attrs.frozen(kw_only=True)
class Call:
    """A phone call as far as it is known.

    Immutable; :func:`~domain.calls.apply_fact.apply` makes the next state. ``status``, the answer
    and the duration are derived from the fields.

    ``leg`` is None while the call is being dialled: ``request`` stands in for it until LiveKit
    reports the leg, so that a call has one of the two. ``placed_at`` is when the service placed
    the call, None for a call that LiveKit reported first.
    ``tenant`` had the call placed, owns the number that was called (``route``), or owns its
    session. Times are UTC with millisecond precision.
    ``unanswered_at`` is the latest time at which the leg was seen dialing or ringing.
    ``end_concluded``: no webhook reported the end; it was concluded from an absence.
    ``end_pending``: the end is not announced yet, as better may be learned of it. ``news`` is what
    others shall learn of the changes that are not stored yet.
    """

    id: CallId
    leg: SipLeg | None = None
    request: DialRequest | None = None
    placed_at: datetime | None = None
    ringing_at: datetime | None = None
    unanswered_at: datetime | None = None
    seen_active_at: datetime | None = None
    was_active_at_end: bool = False
    ended_at: datetime | None = None
    end_concluded: bool = False
    aborted: bool = False
    disconnect_reason: str | None = None
    session_id: SessionId | None = None
    route: CallRoute | None = None
    timeline: tuple[TimelineEntry, ...] = ()
    tenant: str | None = None
    version: int = 0
    end_pending: bool = attrs.field(default=False, eq=False)
    news: tuple[News, ...] = attrs.field(default=(), eq=False)

    def __attrs_post_init__(self) -> None:
        if (self.leg is None) is (self.request is None):
            raise ValueError(f"Call {self.id} must have either a leg or a request.")
        if self.leg is None and self.placed_at is None:
            raise ValueError(f"Call {self.id} has no leg and must say when it was placed.")

    @classmethod
    def placed(
        cls, call_id: CallId, request: DialRequest, at: datetime, *, tenant: str | None
    ) -> Call:
        """Return a new call that the service has LiveKit dial for ``tenant``."""
        return cls(id=call_id, request=request, placed_at=at, tenant=tenant)

    @property
    def parties(self) -> SipLeg | DialRequest:
        """The room and the parties: as LiveKit reports them, or as they were asked for."""
        parties = self.leg or self.request
        assert parties is not None  # noqa: S101 - for mypy; checked when the call is made
        return parties

    @property
    def room_sid(self) -> str | None:
        """The room instance that the participant is in; None while the call is being dialled."""
        return None if self.leg is None else self.leg.room_sid

    @property
    def is_rejected(self) -> bool:
        """Whether the webhook of its number refused the call."""
        return self.route is not None and self.route.reject is not None

    @property
    def joined_at(self) -> datetime | None:
        """When the participant joined; None while the call is being dialled."""
        return None if self.leg is None else self.leg.joined_at

    @property
    def created_at(self) -> datetime:
        """When the service placed the call, or when the participant joined."""
        created_at = self.placed_at or self.joined_at
        assert created_at is not None  # noqa: S101 - for mypy; checked when the call is made
        return created_at

    @property
    def answered_at(self) -> datetime | None:
        """The earliest time at which the call is known to have been answered by then.

        Never after its end: clocks differ, and an answer may be seen while the end is reported.
        """
        if self.seen_active_at is None:
            return self.ended_at if self._was_answered_unseen else None
        return min(self.seen_active_at, self.ended_at or self.seen_active_at)

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
        return self.ended_at is not None and (self.was_active_at_end or self._reports_answer)

    @property
    def _reports_answer(self) -> bool:
        return self.leg is not None and self.leg.reports_answer

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
    def ended_at_is(self) -> Precision:
        """``EXACT`` if LiveKit reported that the participant left, else found some time after."""
        was_reported = any(
            entry.what == "left" and entry.source is Source.WEBHOOK for entry in self.timeline
        )
        exact = was_reported and self.disconnect_reason != ROOM_CLOSED
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
    def is_end_announced(self) -> bool:
        """Whether others have learned of the end."""
        return self.ended_at is not None and not self.end_pending

    @property
    def outline(self) -> CallOutline | None:
        """The part that the reconciler chooses by; None while the call is being dialled."""
        if self.leg is None:
            return None
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
        precision = self.duration_is
        if self.ended_at is None or precision is Precision.UNKNOWN:
            return None
        if self.answered_at is None:
            return timedelta()
        at_most = precision is Precision.AT_MOST
        since = self._not_answered_before if at_most else self.answered_at
        return max(self.ended_at - since, timedelta())

    @property
    def duration_is(self) -> Precision | None:
        """How ``duration`` relates to the true one; None while the call lives."""
        if self.ended_at is None:
            return None
        if self.answered_at is None:
            return self.answered_at_is
        exact_end = self.ended_at_is is Precision.EXACT
        if self.answered_at_is is Precision.EXACT:
            return Precision.EXACT if exact_end else Precision.AT_MOST
        seen = self.seen_active_at is not None
        return Precision.AT_LEAST if exact_end and seen else Precision.AT_MOST

    def without_news(self) -> Call:
        """Return the call as it is after its news was stored."""
        return attrs.evolve(self, news=()) if self.news else self

    def stored(self) -> Call:
        """As a reader sees it once this change is stored."""
        return attrs.evolve(self, version=self.version + 1, news=())
