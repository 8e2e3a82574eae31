"""What one process does for all its clients at a time, so that no client starves another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import msgspec
from litestar.types import Scope

from domain.shared.pagination import Capacity, Item
from entrypoints.http.middleware.budget import Budget
from entrypoints.http.middleware.limits import client_address
from entrypoints.http.middleware.turns import Turns

OVERLOAD: Final = "overload"
"""Where the application's state has it."""

CLIENT: Final = "client"
"""Where a request's state has the tenant of its key."""

MOST_BODY_BYTES: Final = 32 * 1024 * 1024
"""Of requests that are being received or wait to be read."""
MOST_ANSWER_BYTES: Final = 32 * 1024 * 1024
"""Of large answers that their clients have not taken yet."""
MOST_PAGE_BYTES: Final = 1024 * 1024
"""Of the items of one page of a list."""


@attrs.frozen(kw_only=True)
class Overload:
    """The bounds of a process.

    ``receiving`` is for large bodies: those of a client beyond are not read yet.
    """

    trusted_proxies: int
    bodies: Budget = attrs.field(factory=lambda: Budget(MOST_BODY_BYTES))
    answers: Budget = attrs.field(factory=lambda: Budget(MOST_ANSWER_BYTES))
    receiving: Turns = attrs.field(factory=lambda: Turns(most=1024, of_one=16))
    large_bodies: Turns = attrs.field(factory=lambda: Turns(most=1, of_one=1))
    lists: Turns = attrs.field(factory=lambda: Turns(most=8, of_one=2, rest=6))

    def client(self, scope: Scope) -> str:
        """Return the client: the tenant of the key, else the address."""
        tenant: str | None = scope["state"].get(CLIENT)
        return tenant or client_address(scope, self.trusted_proxies)


def overload_of(scope: Scope) -> Overload:
    """The bounds of the process that serves the request."""
    overload: Overload = scope["litestar_app"].state[OVERLOAD]
    return overload


def page_of(answer: Callable[[Item], object]) -> Capacity[Item]:
    """What fits into a page of items that are shown as ``answer`` makes them."""
    return Capacity(MOST_PAGE_BYTES, lambda item: len(msgspec.json.encode(answer(item))))
