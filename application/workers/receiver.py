"""The load that one process puts on the receivers of webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

import attrs

from domain.shared.identifiers import WebhookId
from domain.webhooks.delivery import LONGEST_WAIT, Attempt

_SLOW_MS: Final = 2000


@attrs.define
class Receiver:
    """What a process does for one webhook: ``lanes`` that it has claimed, and requests.

    ``is_slow`` is None until the first attempt has ended.
    """

    places: asyncio.Semaphore
    lanes: int = 0
    is_slow: bool | None = None
    noted_at: datetime | None = None

    def note(self, attempt: Attempt) -> None:
        """Note whether the latest attempt failed or was slow."""
        self.is_slow = not attempt.has_succeeded or attempt.duration_ms > _SLOW_MS
        self.noted_at = attempt.at


class _Places:
    """Places for ``most`` requests; one tenant gets half of them."""

    def __init__(self, most: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._of_tenant = max(most // 2, 1)
        self._tenants: WeakValueDictionary[str | None, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def taken(self, tenant: str | None) -> AsyncIterator[None]:
        """Have one place inside the block."""
        own = self._tenants.get(tenant)
        if own is None:
            own = self._tenants[tenant] = asyncio.Semaphore(self._of_tenant)
        # First its own: a tenant with many requests queues for itself.
        async with own, self._all:
            yield


@attrs.define(kw_only=True)
class Receivers:
    """Up to ``parallel`` requests are under way, ``of_receiver`` of them to one receiver.

    One that fails or is slow gets ``of_slow`` until it answers quickly again, from
    ``parallel_of_slow`` places that all such receivers share: however many hang, those that answer
    do not wait for them. Of a quick receiver ``ahead`` lanes are claimed; of one that has answered
    nothing yet as few as of a slow one.
    """

    parallel: int = 128
    parallel_of_slow: int = 32
    of_receiver: int = 8
    of_slow: int = 2
    ahead: int = 128
    _known: dict[WebhookId, Receiver] = attrs.field(factory=dict, init=False)
    _quick: _Places = attrs.field(init=False)
    _slow: _Places = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._quick, self._slow = _Places(self.parallel), _Places(self.parallel_of_slow)

    def free_lanes(self, webhook_id: WebhookId) -> int:
        """Return how many lanes may be claimed."""
        receiver = self._known.get(webhook_id)
        if receiver is None:
            return self.of_slow
        return (self.ahead if receiver.is_slow is False else self.of_slow) - receiver.lanes

    def begin(self, webhook_id: WebhookId) -> Receiver:
        """Count a lane that was claimed."""
        receiver = self._known.get(webhook_id)
        if receiver is None:
            receiver = self._known[webhook_id] = Receiver(asyncio.Semaphore(self.of_receiver))
        receiver.lanes += 1
        return receiver

    def has_too_many(self, receiver: Receiver) -> bool:
        """Return whether lanes wait that were claimed before it became slow."""
        return bool(receiver.is_slow) and receiver.lanes > self.of_slow

    @asynccontextmanager
    async def place(self, receiver: Receiver, tenant: str | None) -> AsyncIterator[None]:
        """Have a place for a request of a tenant's webhook inside the block."""
        async with receiver.places:
            places = self._slow if receiver.is_slow else self._quick
            async with places.taken(tenant):
                yield

    def forget(self, now: datetime) -> None:
        """Drop what is known of receivers that got nothing for long, or do not exist any more."""
        for webhook_id, receiver in [*self._known.items()]:
            noted = receiver.noted_at
            if not receiver.lanes and (noted is None or now - noted > LONGEST_WAIT):
                del self._known[webhook_id]
