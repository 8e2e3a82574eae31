"""The inbox: events that were acknowledged and are handled afterwards, until it succeeds."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.ports.webhook_verifier import WebhookEvent

MAX_FAILURES: Final = 10
FIRST_DELAY: Final = timedelta(milliseconds=250)
LONGEST_DELAY: Final = timedelta(seconds=30)


class InboxStatus(enum.StrEnum):
    """What has become of an event; ``dead`` was set aside after too many failures, not lost."""

    PENDING = "pending"
    HANDLED = "handled"
    DEAD = "dead"


@attrs.frozen(kw_only=True)
class InboxEntry:
    """A stored event. Immutable; each method returns the entry afterwards. Times are UTC.

    It is handled at ``due_at`` or later. ``trace`` is the W3C ``traceparent`` that it belongs to.
    """

    event: WebhookEvent
    received_at: datetime
    due_at: datetime
    status: InboxStatus = InboxStatus.PENDING
    failures: int = 0
    last_error: str | None = None
    handled_at: datetime | None = None
    trace: str | None = None

    def handled(self, at: datetime) -> InboxEntry:
        """After it was handled."""
        return attrs.evolve(self, status=InboxStatus.HANDLED, handled_at=at)

    def failed(self, reason: str, at: datetime) -> InboxEntry:
        """After an attempt that failed: due again later and later, dead after the tenth."""
        failures = self.failures + 1
        dead = failures >= MAX_FAILURES
        return attrs.evolve(
            self,
            status=InboxStatus.DEAD if dead else InboxStatus.PENDING,
            failures=failures,
            last_error=reason,
            due_at=at + min(FIRST_DELAY * 2 ** (failures - 1), LONGEST_DELAY),
        )

    def deferred(self, until: datetime) -> InboxEntry:
        """After an attempt that came too early, which is no failure."""
        return attrs.evolve(self, due_at=until)

    def replayed(self, at: datetime) -> InboxEntry:
        """As new, for somebody who has removed the cause; its last error stays readable."""
        return attrs.evolve(
            self, status=InboxStatus.PENDING, failures=0, due_at=at, handled_at=None
        )
