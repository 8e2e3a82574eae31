"""Pages of what LiveKit keeps and sorts by id."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Generic, Protocol, TypeVar

import attrs

from domain.shared.errors import InvalidInput
from domain.shared.pagination import MAX_LIMIT

_POSITION: Final = re.compile(r"after:([!-~]{1,128})", re.ASCII)


class Identified(Protocol):
    """What has an id."""

    @property
    def id(self) -> str:
        """The id that LiveKit gave it."""
        ...


Item = TypeVar("Item", bound=Identified)

Read = Callable[[str, int], Awaitable[list[Item]]]
"""Returns so many items whose ids come after one, sorted by id; after "" the first ones."""


@attrs.frozen
class IdPosition:
    """A place in a list that is sorted by id, whatever is added meanwhile."""

    after: str

    @property
    def cursor(self) -> str:
        """Return the text that callers get, which is opaque to them."""
        return base64.urlsafe_b64encode(f"after:{self.after}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> IdPosition:
        """Return the position that :attr:`cursor` wrote. Raises :class:`InvalidInput`."""
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        except (ValueError, binascii.Error):
            text = ""
        if (parts := _POSITION.fullmatch(text)) is None:
            raise InvalidInput("cursor must be the nextCursor of the page before.", field="cursor")
        return cls(parts[1])


@attrs.frozen
class IdPage(Generic[Item]):
    """Some items, and where the next ones begin; None if these are the last."""

    items: list[Item]
    next: IdPosition | None


async def read_id_page(read: Read[Item], position: IdPosition | None, limit: int) -> IdPage[Item]:
    """Return a page of at most ``limit`` items after ``position``."""
    found = await read("" if position is None else position.after, limit + 1)
    items = found[:limit]
    return IdPage(items, IdPosition(items[-1].id) if len(found) > limit else None)


async def each(read: Read[Item]) -> AsyncIterator[Item]:
    """Yield every item; only one page of them is in memory at a time."""
    after = ""
    while found := await read(after, MAX_LIMIT):
        for item in found:
            yield item
        after = found[-1].id
