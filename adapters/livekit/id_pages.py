"""LiveKit's lists that are sorted by id: trunks and dispatch rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from livekit.protocol.models import Pagination

from domain.trunks.id_page import Identified

Item = TypeVar("Item", bound=Identified)


def page_after(after: str, limit: int) -> Pagination:
    """Return the part of a request that asks for ``limit`` items after an id."""
    return Pagination(after_id=after, limit=limit)


def cut(items: Iterable[Item], after: str, limit: int) -> list[Item]:
    """Return the page, also of a server that does not know pages and lists everything."""
    return sorted((item for item in items if item.id > after), key=lambda item: item.id)[:limit]
