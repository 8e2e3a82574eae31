"""The port to the lanes in which deliveries wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from domain.shared.identifiers import WebhookId
from domain.webhooks.delivery import Delivery


@attrs.frozen(kw_only=True)
class LaneClaim:
    """The right to deliver the pending deliveries of one lane, one after another.

    A lane is what one webhook gets of one session. ``holder`` has leased it.
    """

    webhook_id: WebhookId
    lane: str
    holder: str


@attrs.frozen(kw_only=True)
class Waiting:
    """The oldest pending deliveries of a lane; ``version`` changes when others are added."""

    version: int
    deliveries: Sequence[Delivery]


class LaneRepository(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def due(self, now: datetime) -> list[WebhookId]:
        """Return the webhooks with lanes that may be claimed now."""
        ...

    async def claim(
        self, limits: Mapping[WebhookId, int], holder: str, now: datetime, until: datetime
    ) -> list[LaneClaim]:
        """Lease the lanes that have been due longest, up to the limit of each webhook."""
        ...

    async def waiting(self, claim: LaneClaim, limit: int) -> Waiting | None:
        """Return what waits in a claimed lane; None if the lease is lost."""
        ...

    async def settle(self, delivery: Delivery, claim: LaneClaim) -> bool:
        """Store what became of a delivery; False if the lease is lost or it was redelivered."""
        ...

    async def postpone(self, delivery: Delivery, claim: LaneClaim) -> bool:
        """Store a delivery that is to be tried again, and release its lane until then.

        False as :meth:`settle`.
        """
        ...

    async def finish(self, claim: LaneClaim, version: int) -> bool:
        """Remove an empty lane; False if anything was added since ``version``, or it is lost."""
        ...

    async def drop(self, claim: LaneClaim) -> None:
        """Remove a lane and its pending deliveries, whose webhook was deleted."""
        ...

    async def release(self, claim: LaneClaim, due_at: datetime) -> None:
        """End the lease; the lane is due at ``due_at``."""
        ...

    async def renew(self, holders: Collection[str], until: datetime) -> None:
        """Prolong the leases that ``holders`` still have."""
        ...

    async def lapse(self, now: datetime, horizon: datetime) -> None:
        """End leases that were over before ``now``, or would be over only after ``horizon``.

        Lanes that are due only after ``LONGEST_WAIT`` were stored before the clock was set back,
        and are due now.
        """
        ...
