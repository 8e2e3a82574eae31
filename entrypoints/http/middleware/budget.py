"""Bytes that clients make this process keep, within a limit for all of them together."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import attrs

_ROOM: Final = 0.9
"""The part of the limit that is left in use once room was made, so that it is not made for each
chunk."""


@attrs.define(eq=False)
class Holding:
    """The bytes of one request or answer; ``evict`` makes its task let go of them."""

    budget: Budget
    client: str
    evict: Callable[[], None]
    began: float
    size: int = 0
    evicted: bool = False

    def grow(self, size: int) -> None:
        """Keep ``size`` bytes more. May evict any holding, this one too."""
        if not self.evicted:
            self.size += size
            self.budget.total += size
            if self.budget.total > self.budget.most:
                self.budget.make_room()

    def release(self) -> None:
        """Keep nothing any more."""
        self.budget.forget(self)


class Budget:
    """At most ``most`` bytes; beyond, the client that holds the most of them loses some first.

    So clients whose requests are small or few lose nothing to one that sends, or leaves unread, as
    much as it can.
    """

    def __init__(self, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.total = 0
        self._monotonic = monotonic
        self._clients: dict[str, set[Holding]] = defaultdict(set)

    def hold(self, client: str, evict: Callable[[], None]) -> Holding:
        """A new holding of ``client``'s, of no bytes yet."""
        holding = Holding(self, client, evict, self._monotonic())
        self._clients[client].add(holding)
        return holding

    def forget(self, holding: Holding) -> None:
        """Take a holding out."""
        self.total -= holding.size
        holding.size = 0
        held = self._clients.get(holding.client, set())
        held.discard(holding)
        if not held:
            self._clients.pop(holding.client, None)

    def make_room(self) -> None:
        """Evict what is large and old, from the client that holds the most."""
        now = self._monotonic()
        while self.total > self.most * _ROOM:
            largest = max(self._clients.values(), key=lambda held: sum(body.size for body in held))
            by_cost = sorted(largest, key=lambda body: body.size * (now - body.began), reverse=True)
            for holding in by_cost[: len(by_cost) // 2 + 1]:
                holding.evicted = True
                self.forget(holding)
                holding.evict()
                if self.total <= self.most * _ROOM:
                    break
