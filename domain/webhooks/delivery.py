"""The delivery of one domain event to one webhook."""

from __future__ import annotations

import enum
import zlib
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.shared.identifiers import DeliveryId, EventId, WebhookId
from domain.webhooks.subscription import Reach

MAX_ATTEMPTS_KEPT: Final = 20
"""The latest attempts of a delivery that are kept and shown."""
GIVE_UP_AFTER: Final = timedelta(hours=24)
"""How long after its event was enqueued a delivery is still tried again."""
MAX_RETRY_AFTER: Final = timedelta(hours=1)
"""A longer ``Retry-After`` of a receiver is shortened to this."""
RETRY_DELAYS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)
)
"""How long after each failed attempt the next one follows, before jitter. The last wait ends with
the day."""
LONGEST_WAIT: Final = timedelta(hours=12)
"""No attempt is due later than this after the one before. One that seems to be was stored before
the clock was set back, and is due now."""
_MILLISECOND: Final = timedelta(milliseconds=1)


class DeliveryStatus(enum.StrEnum):
    """Whether the receiver has confirmed it; ``failed`` is set aside until it is redelivered."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Attempt:
    """One request: the answer's status, or why there was none."""

    at: datetime
    status_code: int | None = None
    error: str | None = None
    duration_ms: int = 0

    @property
    def has_succeeded(self) -> bool:
        """Return whether the receiver has confirmed the event."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def ended_at(self) -> datetime:
        """Return when the answer had come, or was given up."""
        return self.at + timedelta(milliseconds=self.duration_ms)


@attrs.frozen(kw_only=True)
class Delivery:
    """An event, the webhook that gets it, and what became of it. Times are UTC.

    Pending deliveries of one webhook with the same ``lane`` (the event's session) are sent one
    after another, by their ``position`` in the outbox. ``failures`` are the failed attempts since
    ``began_at``, when it was enqueued or redelivered.
    """

    id: DeliveryId
    webhook_id: WebhookId
    reach: Reach
    event_id: EventId
    event: str
    lane: str
    position: int
    created_at: datetime
    began_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    failures: int = 0
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: datetime | None = None
    settled_at: datetime | None = None

    @property
    def age(self) -> tuple[datetime, str]:
        """Return when it was created, and its id: the newest is the greatest."""
        return self.created_at, self.id.value

    @property
    def is_pending(self) -> bool:
        """Return whether it is still to be sent."""
        return self.status is DeliveryStatus.PENDING

    @property
    def changed_at(self) -> datetime | None:
        """Return when a pending one was attempted last, or was redelivered; None before both.

        One that is settled has ``settled_at``.
        """
        if not self.is_pending or not (self.attempts or self.began_at > self.created_at):
            return None
        return max([self.began_at, *(attempt.ended_at for attempt in self.attempts[-1:])])

    def succeeded(self, attempt: Attempt) -> Delivery:
        """Return it after an attempt that the receiver confirmed."""
        return self._settled(DeliveryStatus.SUCCEEDED, attempt)

    def failed(self, attempt: Attempt) -> Delivery:
        """Return it set aside, after an attempt or for a reason that the attempt's error names."""
        return self._settled(DeliveryStatus.FAILED, attempt)

    def retried(self, attempt: Attempt, retry_after: timedelta | None) -> Delivery:
        """Return it after a failed attempt: pending, or failed once its day is over.

        The last attempt is at the end of that day.
        """
        failures = self.failures + 1
        left = self.began_at + GIVE_UP_AFTER - attempt.at
        if left <= timedelta():
            return self.failed(attempt)
        wait = max(self._delay(failures), min(retry_after or timedelta(), MAX_RETRY_AFTER))
        wait = min(wait, left)
        return attrs.evolve(
            self,
            failures=failures,
            attempts=self._with(attempt),
            next_attempt_at=attempt.at + wait,
        )

    @property
    def is_alone(self) -> bool:
        """Return whether it was redelivered in a lane of its own."""
        return self.lane == self.id.value

    def redelivered(self, at: datetime, *, in_lane: str | None) -> Delivery:
        """Return it as new; its attempts stay readable.

        It waits for those of the lane that are older; without one it is sent at once, in a lane of
        its own.
        """
        return attrs.evolve(
            self,
            lane=in_lane or self.id.value,
            status=DeliveryStatus.PENDING,
            failures=0,
            began_at=at,
            next_attempt_at=at,
            settled_at=None,
        )

    def _settled(self, status: DeliveryStatus, attempt: Attempt) -> Delivery:
        return attrs.evolve(
            self,
            status=status,
            failures=self.failures + (status is DeliveryStatus.FAILED),
            attempts=self._with(attempt),
            next_attempt_at=None,
            settled_at=attempt.ended_at,
        )

    def _with(self, attempt: Attempt) -> tuple[Attempt, ...]:
        return (*self.attempts, attempt)[-MAX_ATTEMPTS_KEPT:]

    def _delay(self, failures: int) -> timedelta:
        """Return the wait, with up to a tenth more so that those of an outage spread out.

        How much more depends on the delivery and the attempt alone.
        """
        percents = zlib.crc32(f"{self.id}/{failures}".encode()) % 11
        delay = RETRY_DELAYS[min(failures, len(RETRY_DELAYS)) - 1] * (100 + percents) / 100
        return delay // _MILLISECOND * _MILLISECOND
