"""Which kinds of domain events a request may read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from domain.access.access import Access, Scope
from domain.events.domain_event import EventKind

_READERS: Final = {
    "agent": (Scope.AGENTS_READ, Scope.AGENTS_WRITE),
    "phone_number": (Scope.PHONE_NUMBERS_READ, Scope.PHONE_NUMBERS_WRITE),
    "api_key": (Scope.ADMIN,),
    "webhook": (Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE),
}
"""The scopes that read a resource, by the first part of its kinds."""

READERS: Final = (Scope.CALLS_READ, *dict.fromkeys(s for some in _READERS.values() for s in some))
"""The scopes of which each reads some kind."""


def is_of_resource(kind: str) -> bool:
    """Return whether ``kind`` is one that a webhook gets only if its ``events`` name it.

    A newer version of the service may have more of them than this one knows.
    """
    others = (EventKind.WEBHOOK_DISABLED, EventKind.WEBHOOK_TEST)
    return kind not in others and kind.split(".", maxsplit=1)[0] in _READERS


def readers_of(kind: EventKind) -> tuple[Scope, ...]:
    """Return the scopes of which one is needed to read events of ``kind``."""
    scopes = _READERS.get(kind.split(".")[0], ())
    return scopes if is_of_resource(kind) else (Scope.CALLS_READ, *scopes)


def readable_kinds(access: Access) -> frozenset[EventKind]:
    """Return the kinds that ``access`` may read."""
    return frozenset(
        kind for kind in EventKind if any(access.may(scope) for scope in readers_of(kind))
    )


def require_readable(kinds: Collection[EventKind], access: Access) -> None:
    """Raise ``Forbidden`` unless ``access`` may read events of each of ``kinds``."""
    for kind in sorted(kinds):
        access.require(*readers_of(kind))
