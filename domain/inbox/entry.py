"""The inbox: events that were acknowledged and are processed afterwards, until it succeeds."""

from __future__ import annotations

import enum
import zlib
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.inbox.webhook_verifier import WebhookEvent

_MILLISECOND: Final = timedelta(milliseconds=1)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When an event that could not be processed is tried again, and when it is set aside.

    A failure while LiveKit and the database answer is probably the event's own: after
    ``max_failures`` of them it is a dead letter. An outage says nothing of the event, which waits
    for up to ``longest_outage`` in all. The wait doubles with each attempt, from ``first_delay`` to
    ``longest_delay``.
    """

    max_failures: int = 10
    first_delay: timedelta = timedelta(milliseconds=250)
    longest_delay: timedelta = timedelta(seconds=30)
    longest_outage: timedelta = timedelta(days=1)

    @property
    def max_outages(self) -> int:
        """After how many attempts ``longest_outage`` is over."""
        return self.longest_outage // self.longest_delay

    def delay(self, attempt: int) -> timedelta:
        """How long to wait after attempt number ``attempt``, counted from 1."""
        doubled = self.first_delay * (1 << min(attempt - 1, 30))
        return min(doubled, self.longest_delay)

    def outage_delay(self, attempt: int, event_id: str) -> timedelta:
        """The same with up to a quarter more, so that events that waited together spread out.

        How much more depends on the event and the attempt alone.
        """
        percents = zlib.crc32(f"{event_id}/{attempt}".encode()) % 26
        delay = self.delay(attempt) * (100 + percents) / 100
        return delay // _MILLISECOND * _MILLISECOND


RETRY: Final = RetryPolicy()
MAX_FAILURES: Final = RETRY.max_failures
LONGEST_WAIT: Final = timedelta(minutes=5)
"""No event is due later than this after an attempt. One that seems to be was stored before the
clock was set back, and is due now."""


class InboxStatus(enum.StrEnum):
    """What has become of an event; ``dead`` was set aside after too many failures, not lost."""

    PENDING = "pending"
    HANDLED = "handled"
    DEAD = "dead"


@attrs.frozen(kw_only=True)
class InboxEntry:
    """A stored event. Immutable; each method returns the entry afterwards. Times are UTC.

    It is processed at ``due_at`` or later. ``failures`` are those while its dependencies answered,
    ``outages`` the attempts while one did not, ``last_error`` says why the last attempt did not
    succeed. ``trace`` is the W3C ``traceparent`` that it belongs to. ``changed_at`` is when it
    changed last; None unless its first attempt did not succeed, or it was replayed.
    """

    event: WebhookEvent
    received_at: datetime
    due_at: datetime
    status: InboxStatus = InboxStatus.PENDING
    failures: int = 0
    outages: int = 0
    last_error: str | None = None
    handled_at: datetime | None = None
    trace: str | None = None
    changed_at: datetime | None = None

    @property
    def age(self) -> tuple[datetime, str]:
        """Return when it came in, and its event's id: the newest is the greatest."""
        return self.received_at, self.event.id

    @property
    def waits_until(self) -> datetime | None:
        """Return when a pending entry is due that is due later than it came in."""
        is_later = self.status is InboxStatus.PENDING and self.due_at > self.received_at
        return self.due_at if is_later else None

    def handled(self, at: datetime) -> InboxEntry:
        """After it was processed."""
        changed_at = None if self.changed_at is None else at
        return attrs.evolve(self, status=InboxStatus.HANDLED, handled_at=at, changed_at=changed_at)

    def failed(self, reason: str, at: datetime) -> InboxEntry:
        """After an attempt that failed while LiveKit and the database answered."""
        failures = self.failures + 1
        return attrs.evolve(
            self,
            status=_pending_unless(failures >= RETRY.max_failures),
            failures=failures,
            last_error=reason,
            due_at=at + RETRY.delay(failures),
            changed_at=at,
        )

    def held_up(self, reason: str, at: datetime) -> InboxEntry:
        """After an attempt that failed because LiveKit or the database was down."""
        outages = self.outages + 1
        return attrs.evolve(
            self,
            status=_pending_unless(outages >= RETRY.max_outages),
            outages=outages,
            last_error=reason,
            due_at=at + RETRY.outage_delay(outages, self.event.id),
            changed_at=at,
        )

    def deferred(self, reason: str, at: datetime, due_at: datetime) -> InboxEntry:
        """After an attempt that came too early, which is no failure."""
        due_at = min(due_at, at + LONGEST_WAIT)
        return attrs.evolve(self, last_error=reason, due_at=due_at, changed_at=at)

    def replayed(self, at: datetime) -> InboxEntry:
        """As new, once the cause was removed; its last error stays readable."""
        return attrs.evolve(
            self,
            status=InboxStatus.PENDING,
            failures=0,
            outages=0,
            due_at=at,
            handled_at=None,
            changed_at=at,
        )


def _pending_unless(is_over: bool) -> InboxStatus:  # noqa: FBT001 - named by the function
    return InboxStatus.DEAD if is_over else InboxStatus.PENDING
