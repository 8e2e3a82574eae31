"""A webhook: where domain events are delivered, and which."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import Access
from domain.events.event_access import is_of_resource
from domain.shared.identifiers import WebhookId

ALL_EVENTS: Final = "*"
SECRET_OVERLAP: Final = timedelta(hours=24)
"""How long requests are also signed with the secrets before the present one."""
MAX_PREVIOUS: Final = 4
"""Secrets before the present one that sign, when it is replaced again within that time."""
FAILING_FOR: Final = timedelta(days=1)
"""After so long without any success a webhook is disabled."""


class WebhookStatus(enum.StrEnum):
    """Whether events are delivered."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(enum.StrEnum):
    """Why nothing is delivered: the receiver answered 410, failed for a day, or a request."""

    GONE = "gone"
    FAILING = "failing"
    REQUEST = "request"


@attrs.frozen(kw_only=True)
class Reach:
    """Whose events a webhook gets: those that its creator may see.

    ``tenant`` owns the webhook. ``sees_unowned``: it also gets events of no tenant; ``sees_all``:
    those of every tenant.
    """

    tenant: str | None = None
    sees_unowned: bool = True
    sees_all: bool = False

    @classmethod
    def of(cls, access: Access) -> Reach:
        """Return the reach of a webhook that ``access`` creates."""
        return cls(
            tenant=access.tenant,
            sees_unowned=access.sees_unowned,
            sees_all=access.tenants is None,
        )

    def covers(self, tenant: str | None) -> bool:
        """Return whether events of ``tenant`` (None: of no tenant) are in it."""
        if self.sees_all or tenant == self.tenant:
            return True
        return tenant is None and self.sees_unowned

    def is_visible_to(self, access: Access) -> bool:
        """Return whether ``access`` sees all that is in it, and so may see and change the webhook.

        (Otherwise a tenant's key could have an operator's webhook send every tenant's events to a
        URL of its own.)
        """
        if access.tenants is None:
            return True
        if self.sees_all or self.tenant != access.tenant:
            return False
        return access.sees_unowned or not self.sees_unowned


@attrs.frozen(kw_only=True)
class Webhook:
    """A URL, the kinds of events that it gets, and the secrets that sign them. Times are UTC.

    ``events`` are kinds, or ``*`` alone, which stands for all but those of resources. It gets those
    behind ``after_position`` in the outbox: what happened before the webhook was created is not
    delivered. ``failing_since`` is the time of the first failed attempt since the last successful
    one. ``revision`` counts the changes of this record, for optimistic locking.
    """

    id: WebhookId
    url: str
    events: tuple[str, ...]
    secret: str = attrs.field(repr=False)
    reach: Reach
    created_at: datetime
    updated_at: datetime
    after_position: int
    description: str | None = None
    previous_secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    previous_until: datetime | None = None
    status: WebhookStatus = WebhookStatus.ENABLED
    disabled_at: datetime | None = None
    disabled_reason: DisabledReason | None = None
    failing_since: datetime | None = None
    revision: int = 1

    @property
    def age(self) -> tuple[datetime, str]:
        """Return when it was created, and its id: the newest is the greatest."""
        return self.created_at, self.id.value

    @property
    def is_enabled(self) -> bool:
        """Return whether events are delivered."""
        return self.status is WebhookStatus.ENABLED

    def wants(self, kind: str, tenant: str | None, position: int) -> bool:
        """Return whether it gets an event of this kind and tenant at a position of the outbox."""
        is_wanted = kind in self.events or (ALL_EVENTS in self.events and not is_of_resource(kind))
        return position > self.after_position and is_wanted and self.reach.covers(tenant)

    def secrets(self, now: datetime) -> list[str]:
        """Return what requests are signed with, the present secret first."""
        if self.previous_until is None or now >= self.previous_until:
            return [self.secret]
        return [self.secret, *self.previous_secrets]

    def rotated(self, secret: str, at: datetime) -> Webhook:
        """Return it with a new secret; those that sign now also do for :data:`SECRET_OVERLAP`."""
        return attrs.evolve(
            self,
            secret=secret,
            previous_secrets=tuple(self.secrets(at)[:MAX_PREVIOUS]),
            previous_until=at + SECRET_OVERLAP,
            updated_at=at,
        )

    def disabled(self, reason: DisabledReason, at: datetime) -> Webhook:
        """Return it disabled; one that is disabled already keeps its reason."""
        if not self.is_enabled:
            return self
        return attrs.evolve(
            self,
            status=WebhookStatus.DISABLED,
            disabled_at=at,
            disabled_reason=reason,
            updated_at=at,
        )

    def enabled(self, at: datetime) -> Webhook:
        """Return it enabled, with a day to succeed before it is disabled again."""
        if self.is_enabled:
            return self
        return attrs.evolve(
            self,
            status=WebhookStatus.ENABLED,
            disabled_at=None,
            disabled_reason=None,
            failing_since=None,
            updated_at=at,
        )
