"""Lists, newest first, one page after another."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

import attrs

from domain.shared.errors import InvalidInput

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_FIRST_STEP: Final = 16
_LARGEST_STEP: Final = 64

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION: Final = re.compile(
    r"([0-9]{1,15})\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)
_ANY_POSITION: Final = re.compile(r"([0-9]{1,15})\.([^\0]{1,128})", re.DOTALL)


class Aged(Protocol):
    """What has a place in a list."""

    @property
    def age(self) -> tuple[datetime, str]:
        """When it was created, and its id."""
        ...


Item = TypeVar("Item", bound=Aged)


@attrs.frozen
class Cursor:
    """A place in a list that is sorted by time and id, whatever is added meanwhile."""

    created_at: datetime
    id: str

    @property
    def cursor(self) -> str:
        """Return the text that callers get, which is opaque to them."""
        milliseconds = (self.created_at - _EPOCH) // timedelta(milliseconds=1)
        return base64.urlsafe_b64encode(f"{milliseconds}.{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str, *, any_id: bool = False) -> Cursor:
        """The position that :attr:`cursor` wrote. Raises :class:`InvalidInput`.

        ``any_id``: of a list whose items have ids that are no UUIDs.
        """
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
            parts = (_ANY_POSITION if any_id else _POSITION).fullmatch(text)
            if parts is None:
                raise ValueError(text)
            return cls(_EPOCH + timedelta(milliseconds=int(parts[1])), parts[2])
        except (ValueError, OverflowError, binascii.Error):
            raise InvalidInput(
                "cursor must be the nextCursor of the page before.", field="cursor"
            ) from None


@attrs.frozen
class Page(Generic[Item]):
    """Some items, and where the next ones begin; None if these are the last."""

    items: list[Item]
    next: Cursor | None

    @property
    def next_cursor(self) -> str | None:
        """Return the text that asks for the next items."""
        return None if self.next is None else self.next.cursor

    @classmethod
    def cut(cls, found: list[Item], limit: int) -> Page[Item]:
        """The first ``limit`` of what was found by looking for one more."""
        items = found[:limit]
        return cls(items, Cursor(*items[-1].age) if len(found) > limit else None)


@attrs.frozen
class Capacity(Generic[Item]):
    """What fits into one page: items of ``most`` bytes together, as ``size`` counts them."""

    most: int
    size: Callable[[Item], int]


async def read_page(
    read: Callable[[Cursor | None, int], Awaitable[list[Item]]],
    after: Cursor | None,
    limit: int,
    capacity: Capacity[Item] | None = None,
) -> Page[Item]:
    """A page of at most ``limit`` items; of fewer, but one at least, where they are large.

    ``read`` returns so many items after a position. With a ``capacity`` it is asked for some at a
    time, so that not many more are in memory than the page will hold.
    """
    if capacity is None:
        return Page.cut(await read(after, limit + 1), limit)
    items: list[Item] = []
    room, step = capacity.most, _FIRST_STEP
    while True:
        wanted = min(step, limit + 1 - len(items))
        found = await read(after, wanted)
        for item in found:
            room -= capacity.size(item)
            if items and (room < 0 or len(items) == limit):
                return Page(items, Cursor(*items[-1].age))
            items.append(item)
        if len(found) < wanted:
            return Page(items, None)
        after, step = Cursor(*items[-1].age), _LARGEST_STEP


@attrs.frozen(kw_only=True)
class Span:
    """When something was created: ``since`` is included, ``until`` is not; None is no limit."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, time: datetime) -> bool:
        """Whether ``time`` is in it."""
        return (self.since is None or time >= self.since) and (
            self.until is None or time < self.until
        )
