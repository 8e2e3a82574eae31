"""The lanes of deliveries in a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.webhooks import lane_statements as lanes
from adapters.sqlalchemy.webhooks.mapping import delivery_moves, to_delivery
from domain.shared.errors import Conflict
from domain.shared.identifiers import WebhookId
from domain.webhooks.delivery import LONGEST_WAIT, Delivery
from domain.webhooks.lane_repository import LaneClaim, Waiting


class SqlLanes:
    """Implements :class:`domain.webhooks.lane_repository.LaneRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime) -> list[WebhookId]:
        """Return the webhooks with lanes that may be claimed now."""
        rows = await self._database.read(lanes.DUE, {"now": now})
        return [WebhookId(row[0]) for row in rows]

    async def claim(
        self, limits: Mapping[WebhookId, int], holder: str, now: datetime, until: datetime
    ) -> list[LaneClaim]:
        """Lease the lanes that have been due longest, up to the limit of each webhook."""
        values = {"now": now, "by": holder, "until": until}

        def work(connection: Connection) -> list[LaneClaim]:
            claims = []
            for webhook_id, most in limits.items():
                which = {**values, "of_webhook": webhook_id.value, "most": most}
                claims += [
                    LaneClaim(webhook_id=webhook_id, lane=row.lane, holder=holder)
                    for row in connection.execute(lanes.CLAIM, which)
                ]
            return claims

        return await self._database.transact(work)

    async def waiting(self, claim: LaneClaim, limit: int) -> Waiting | None:
        """Return what waits in a claimed lane; None if the lease is lost."""
        rows = await self._database.read(lanes.WAITING, {**_which(claim), "most": limit})
        if not rows:
            return None
        found = [to_delivery(row) for row in rows if row.id is not None]
        return Waiting(version=rows[0].version, deliveries=found)

    async def settle(self, delivery: Delivery, claim: LaneClaim) -> bool:
        """Store what became of a delivery."""
        return await self._write([_settling(delivery, claim)])

    async def postpone(self, delivery: Delivery, claim: LaneClaim) -> bool:
        """Store a delivery that is to be tried again, and release its lane until then."""
        until = {**_which(claim), "until": delivery.next_attempt_at}
        postponing = Write(lanes.POSTPONE, until, _lock(claim))
        return await self._write([_settling(delivery, claim), postponing])

    async def finish(self, claim: LaneClaim, version: int) -> bool:
        """Remove an empty lane."""
        which = {**_which(claim), "seen_version": version}
        return await self._write([Write(lanes.FINISH, which, _lock(claim))])

    async def _write(self, writes: list[Write]) -> bool:
        try:
            await self._database.write(writes)
        except Conflict:
            return False
        return True

    async def drop(self, claim: LaneClaim) -> None:
        """Remove a lane and its pending deliveries."""
        which = _which(claim)

        def work(connection: Connection) -> None:
            connection.execute(lanes.REMOVE_WAITING, which)
            connection.execute(lanes.REMOVE_LANE, which)

        await self._database.transact(work)

    async def release(self, claim: LaneClaim, due_at: datetime) -> None:
        """End the lease."""
        until = {**_which(claim), "until": due_at}
        writes = [Write(lanes.POSTPONE, until, _lock(claim), must_change=False)]
        await self._database.write(writes)

    async def renew(self, holders: Collection[str], until: datetime) -> None:
        """Prolong the leases that ``holders`` still have."""
        await self._change(lanes.RENEW, {"holders": list(holders), "until": until})

    async def lapse(self, now: datetime, horizon: datetime) -> None:
        """End leases that were over before ``now``, or would be over only after ``horizon``."""
        await self._change(lanes.LAPSE, {"now": now, "horizon": horizon})
        await self._change(lanes.HASTEN_LATE, {"now": now, "horizon": now + LONGEST_WAIT})

    async def _change(self, statement: Executable, values: Mapping[str, Any]) -> None:
        def work(connection: Connection) -> None:
            connection.execute(statement, values)

        await self._database.transact(work)


def _settling(delivery: Delivery, claim: LaneClaim) -> Write:
    moves = delivery_moves(delivery)
    del moves["lane"]
    values = {**moves, **_which(claim), "settled": delivery.id.value}
    return Write(lanes.SETTLE, values, ("webhook_deliveries", delivery.id.value))


def _which(claim: LaneClaim) -> dict[str, Any]:
    return {"of_webhook": claim.webhook_id.value, "of_lane": claim.lane, "by": claim.holder}


def _lock(claim: LaneClaim) -> Lock:
    return "webhook_lanes", claim.webhook_id.value, claim.lane
