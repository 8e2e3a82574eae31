"""Look one record up by the text that a caller names it with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.shared.errors import InvalidInput, NotFound

Key = TypeVar("Key")
Record = TypeVar("Record")


async def look_up(
    raw: str,
    parse: Callable[[str], Key],
    find: Callable[[Key], Awaitable[Record | None]],
    *,
    missing: str,
    field: str,
) -> Record:
    """Return the record that ``find`` returns for the key that ``parse`` makes of ``raw``.

    Raises :class:`~domain.shared.errors.NotFound` with the text ``missing``, which names ``field``,
    if there is none or ``raw`` is no key.
    """
    try:
        key = parse(raw)
    except InvalidInput:
        raise NotFound(missing, field=field) from None
    record = await find(key)
    if record is None:
        raise NotFound(missing, field=field)
    return record
