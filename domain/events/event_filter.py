"""Which events a reader wants."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from domain.access.access import Access
from domain.events.domain_event import EventKind, StoredEvent
from domain.events.event_access import is_of_resource, readable_kinds, require_readable
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, SessionId


@attrs.frozen(kw_only=True, cache_hash=True)
class EventFilter:
    """Select the visible events that match every field that is not None.

    Those of resources, such as agents, only with ``resources``.
    """

    access: Access
    kinds: frozenset[EventKind] | None = None
    session_id: SessionId | None = None
    call_id: CallId | None = None
    resources: bool = True
    _readable: frozenset[EventKind] = attrs.field(init=False, eq=False, repr=False)

    @_readable.default
    def _readable_kinds(self) -> frozenset[EventKind]:
        kinds = readable_kinds(self.access)
        return kinds if self.resources else frozenset(k for k in kinds if not is_of_resource(k))

    @classmethod
    def parse(
        cls,
        access: Access,
        kinds: Iterable[str] | None = None,
        session_id: str | None = None,
        call_id: str | None = None,
        *,
        resources: bool = True,
    ) -> EventFilter:
        """Return the filter of these values, blank ones being absent.

        ``kinds`` may be lists with commas. Raises :class:`InvalidInput`, or ``Forbidden`` for a
        kind that ``access`` may not read.
        """
        names = [name for given in kinds or () for name in given.split(",") if name.strip()]
        wanted = frozenset(_kind(name.strip()) for name in names)
        require_readable(wanted, access)
        return cls(
            access=access,
            kinds=wanted or None,
            session_id=SessionId(session_id) if session_id else None,
            call_id=CallId(call_id) if call_id else None,
            resources=resources,
        )

    def matches(self, event: StoredEvent) -> bool:
        """Return whether the event is wanted, and visible."""
        return (
            self.access.sees(event.tenant)
            and (self.kinds is None or event.kind in self.kinds)
            and event.kind in self._readable
            and self.session_id in (None, event.session_id)
            and self.call_id in (None, event.call_id)
        )


def _kind(name: str) -> EventKind:
    try:
        return EventKind(name)
    except ValueError:
        known = ", ".join(EventKind)
        raise InvalidInput(
            f"type must be one or more of {known}.", field="type", example=EventKind.SESSION_ENDED
        ) from None
