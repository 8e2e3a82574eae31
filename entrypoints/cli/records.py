"""Showing the ledger's records: a list of them, or one by its id or its room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
import typer

from domain.access.access import SYSTEM, Access
from domain.shared.errors import NotFound
from entrypoints.cli.output import printable, show

Record_co = TypeVar("Record_co", covariant=True)
Record = TypeVar("Record")


class Reader(Protocol[Record_co]):
    """Finds a record by its id, and the newest one of a room."""

    async def by_id(self, wanted: str, access: Access, /) -> Record_co:
        """Return the record with this id. Raises ``NotFound``."""
        ...

    async def by_room(self, wanted: str, access: Access, /) -> Record_co:
        """Return the room's newest record. Raises ``NotFound``."""
        ...


class Shown(Protocol[Record_co]):
    """A page of a list; ``next`` is None if it is the last one."""

    @property
    def items(self) -> Sequence[Record_co]:
        """What is on the page."""
        ...

    @property
    def next(self) -> object | None:
        """Where the next page begins."""
        ...


async def find(reader: Reader[Record], wanted: str, kind: str) -> Record:
    """Return the record whose id is ``wanted``, else the newest of the room with that name.

    Raises ``NotFound``, which calls the record ``kind``.
    """
    try:
        return await reader.by_id(wanted, SYSTEM)
    except NotFound:
        pass
    try:
        return await reader.by_room(wanted, SYSTEM)
    except NotFound:
        raise NotFound(
            f"There is no {kind} '{printable(wanted)}', and none in a room of that name."
        ) from None


def show_page(
    page: Shown[Record],
    header: Sequence[str],
    row: Callable[[Record], Sequence[object]],
    as_json: Callable[[Record], str] | None,
    advice: str = "raise --limit, or go back in time with --until",
) -> None:
    """Print a page as a table, or each item as ``as_json`` writes it; say if there are more."""
    if as_json is None:
        show(header, map(row, page.items))
    else:
        for item in page.items:
            typer.echo(as_json(item))
    if page.next is not None:
        typer.echo(f"There are more: {advice}.", err=True)


def json_of(shown: msgspec.Struct) -> str:
    """Return a record as the HTTP API shows it, on one line."""
    return msgspec.json.encode(shown).decode()


def timeline_fields(timeline: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    """Yield a field for each entry of a timeline."""
    for entry in timeline:
        detail = f": {entry['detail']}" if "detail" in entry else ""
        yield "timeline", f"{entry['at']} {entry['what']} ({entry['source']}){detail}"
