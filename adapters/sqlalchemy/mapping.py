"""Helpers that the mappings of several capabilities share.

Rows are mapped to the domain's entities by hand: the domain knows no ORM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Row

from domain.shared.errors import StorageUnavailable, Unreadable
from domain.shared.timeline import Source, TimelineEntry

Entity = TypeVar("Entity")

_timeline: Final = msgspec.json.Decoder(list[tuple[datetime, str, Source]])
SLICE: Final = 100
"""How many rows of a long list are mapped before other tasks may run."""


def timeline_text(timeline: tuple[TimelineEntry, ...]) -> str:
    """Return the timeline as it is stored."""
    entries = [(entry.at.isoformat(), entry.what, entry.source) for entry in timeline]
    return msgspec.json.encode(entries).decode()


def to_timeline(text: str) -> tuple[TimelineEntry, ...]:
    """Return the timeline that :func:`timeline_text` has written. Raises ``ValueError``."""
    try:
        return tuple(TimelineEntry(*entry) for entry in _timeline.decode(text))
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


def readable(
    rows: Iterable[Row[Any]],
    mapped: Callable[[Row[Any]], Entity],
    unreadable: list[StorageUnavailable],
) -> list[Entity]:
    """Return what ``rows`` were made from; append the errors of the others to ``unreadable``."""
    found = []
    for row in rows:
        try:
            found.append(mapped(row))
        except StorageUnavailable as error:
            unreadable.append(error)
    return found


def readable_slices(
    rows: Sequence[Row[Any]],
    mapped: Callable[[Row[Any]], Entity],
    unreadable: list[StorageUnavailable],
) -> Iterator[list[Entity]]:
    """Yield what :func:`readable` returns for up to ``SLICE`` rows at a time."""
    for first in range(0, len(rows), SLICE):
        yield readable(rows[first : first + SLICE], mapped, unreadable)


def unreadable_row(what: str) -> Unreadable:
    """Return the error for a row that this version of the service cannot have written."""
    return Unreadable(f"The stored {what} cannot be read by this version of the service.")
