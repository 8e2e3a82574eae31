"""The events of resources, stored with the change of the resource."""

from __future__ import annotations

import attrs

from adapters.memory.events import MemoryOutbox
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind


@attrs.frozen
class ResourceEvents:
    """Appends an event for each change. Without an ``announcer`` there are none."""

    outbox: MemoryOutbox = attrs.field(factory=MemoryOutbox)
    announcer: Announcer | None = None

    def append(self, kind: EventKind, resource: object, *, lane: str, tenant: str | None) -> None:
        """Append the event of a change that is stored at the same moment."""
        if self.announcer is not None:
            self.outbox.put([self.announcer.about(kind, resource, lane=lane, tenant=tenant)])
            self.announcer.appended([kind])
