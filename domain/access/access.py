"""Access: the scopes of a request, and which tenants' records it may see."""

from __future__ import annotations

import enum
from collections.abc import Collection
from functools import cached_property
from typing import Final, Protocol, TypeVar

import attrs

from domain.shared.errors import Forbidden

Tenants = Collection[str | None] | None
"""Whose records: those of these tenants (None: records that belong to no tenant), or all."""


class Scope(enum.StrEnum):
    """What an API key may be used for; ``admin`` includes the others and every tenant."""

    SESSIONS_WRITE = "sessions:write"
    CALLS_READ = "calls:read"
    CALLS_WRITE = "calls:write"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    PHONE_NUMBERS_READ = "phone-numbers:read"
    PHONE_NUMBERS_WRITE = "phone-numbers:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    ADMIN = "admin"


WORK: Final = frozenset({Scope.SESSIONS_WRITE, Scope.CALLS_READ, Scope.CALLS_WRITE})
"""What a frontend or a worker needs."""


@attrs.frozen(kw_only=True)
class Access:
    """The scopes of a request, the tenant that owns what it creates, and what it may see.

    ``tenant`` is None where there are no keys, and on the command line. ``sees_unowned`` shows
    records that belong to no tenant, such as inbound calls.
    """

    tenant: str | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
    sees_unowned: bool = True

    def may(self, scope: Scope) -> bool:
        """Return whether ``scope`` is granted."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def require(self, *scopes: Scope) -> None:
        """Raise :class:`~domain.shared.errors.Forbidden` unless one of ``scopes`` is granted."""
        if not any(self.may(scope) for scope in scopes):
            wanted = " or ".join(scopes)
            raise Forbidden(f"This API key lacks the scope {wanted}.", scope=wanted)

    def sees(self, tenant: str | None) -> bool:
        """Return whether records of ``tenant`` (None: of no tenant) are visible."""
        tenants = self.tenants
        return tenants is None or tenant in tenants

    @cached_property
    def tenants(self) -> Tenants:
        """Return the tenants whose records are visible; None for all."""
        if Scope.ADMIN in self.scopes:
            return None
        return (self.tenant, None) if self.sees_unowned else (self.tenant,)


class Owned(Protocol):
    """A record of a tenant, or of none."""

    @property
    def tenant(self) -> str | None:
        """Return the tenant that owns it."""
        ...


Record = TypeVar("Record", bound=Owned)


def visible(found: Record | None, access: Access) -> Record | None:
    """Return ``found`` if it is visible to ``access``."""
    return found if found is not None and access.sees(found.tenant) else None


SYSTEM: Final = Access()
"""What the service does on its own behalf, what the command line does, and every request where
no keys exist."""
