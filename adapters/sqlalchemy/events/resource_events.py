"""The events of resources, stored in the transaction that changes the resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs
from sqlalchemy import Connection

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.events.appending import append
from domain.events.announcer import Announcer
from domain.events.domain_event import DomainEvent, EventKind

Result = TypeVar("Result")


@attrs.frozen(kw_only=True)
class Change:
    """What has become of a resource: its event's kind, its id, its tenant, and itself."""

    kind: EventKind
    lane: str
    tenant: str | None
    resource: object


@attrs.frozen
class ResourceEvents:
    """Stores changes with their events. Without an ``announcer`` there are none."""

    database: Database
    announcer: Announcer | None = None

    async def write(self, writes: list[Write], change: Change) -> None:
        """Carry out ``writes`` and append the event. Raises as ``Database.write``."""
        event = self._event(change)
        await self.database.write(writes if event is None else [*writes, append(event)])
        self._committed(event)

    async def transact(
        self,
        work: Callable[[Connection], tuple[Result, Change | None]],
        lock: Lock,
    ) -> Result:
        """Carry out ``work``, which returns a result and the change that it has made, if any.

        It may be called again after it was undone. Raises as ``Database.transact``.
        """

        def both(connection: Connection) -> tuple[Result, DomainEvent | None]:
            result, change = work(connection)
            event = None if change is None else self._event(change)
            if event is not None:
                # No other unit is at its lane: what appends there has the resource's row before.
                appended = append(event)
                connection.execute(appended.statement, appended.values)
            return result, event

        result, event = await self.database.transact(both, lock)
        self._committed(event)
        return result

    def _event(self, change: Change) -> DomainEvent | None:
        if self.announcer is None:
            return None
        return self.announcer.about(
            change.kind, change.resource, lane=change.lane, tenant=change.tenant
        )

    def _committed(self, event: DomainEvent | None) -> None:
        if self.announcer is not None and event is not None:
            self.announcer.appended([event.kind])
