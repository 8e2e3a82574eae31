"""Read a page of a list for a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from litestar.types import Scope as AsgiScope

from domain.access.access import Access
from domain.shared.pagination import Capacity, Cursor, Item
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.overload import overload_of, page_of
from entrypoints.http.requests import query

Found = TypeVar("Found")


async def listed(  # noqa: PLR0913 - what a request for a page has
    scope: AsgiScope,
    read: Callable[[Access, Cursor | None, int, Capacity[Item]], Awaitable[Found]],
    cursor: str | None,
    limit: str | None,
    answer: Callable[[Item], object],
    *,
    any_id: bool = False,
) -> Found:
    """Return the page that ``read`` finds, once it is the client's turn.

    ``answer`` makes what is sent of an item, whose size counts; ``any_id`` is that of
    :meth:`~domain.shared.pagination.Cursor.parse`. Raises ``InvalidInput`` for ``cursor`` and
    ``limit``, and what ``read`` raises.
    """
    overload, access = overload_of(scope), access_of(scope)
    after, most = query.position(cursor, any_id=any_id), query.limit(limit)
    async with overload.lists.take(overload.client(scope)):
        return await read(access, after, most, page_of(answer))
