"""Finding and leasing the inbox entries that are due, at a cost that no backlog changes.

An entry is ready, or leased, or waits for a later time. ``ix_inbox_ready_room`` has those that are
ready, by room and age: a look goes from room to room, with a few probes of the index for each, and
never through a room's other entries. ``ix_inbox_waiting`` has those that wait, by their time: once
it is over they are made ready.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

import attrs
from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    ScalarSelect,
    Select,
    String,
    Update,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from adapters.sqlalchemy.engine.database import AT_ONCE
from adapters.sqlalchemy.inbox.table import ENTRY_IS_LEASED, entry_is_ready, inbox

_MOST_STEPS: Final = 1024
_STEPS_OF_FREE_ROOM: Final = 8
"""A look sees up to 128 rooms in which no entry is leased; one that is passed over costs less."""

NOW: Final = bindparam("now", type_=inbox.c.due_at.type)
HORIZON: Final = bindparam("horizon", type_=inbox.c.due_at.type)
"""What is due or lapses only after it was stored before the clock was set back, and is over."""
WORKING: Final[BindParameter[str]] = bindparam("working", expanding=True)

_ready: Final = inbox.alias("ready")
_leased: Final = inbox.alias("leased")


def is_leased(room: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether another entry of the room is leased."""
    # Not EXISTS: a plan made while the table was small would read all of it, for all rooms at once.
    wanted = (_leased.c.lease_holder.is_not(None), _leased.c.room_name == room)
    return select(_leased.c.event_id).where(*wanted).limit(1).scalar_subquery().is_not(None)


def is_due(entry: FromClause) -> ColumnElement[bool]:
    """Whether the time at which it may be handled has come."""
    return or_(entry.c.due_at <= NOW, entry.c.due_at > HORIZON)


@attrs.frozen
class _Tidying:
    """Entries that must be changed before what is due is known, and how."""

    which: ColumnElement[bool]
    by: ColumnElement[Any]
    set_to_null: tuple[str, ...]

    @property
    def is_needed(self) -> ColumnElement[bool]:
        """Whether there are any; ordered, since planners without statistics read the whole table
        for the first one of any order."""
        first = select(inbox.c.event_id).where(self.which).order_by(self.by).limit(1)
        return first.scalar_subquery().is_not(None)

    @property
    def statement(self) -> Update:
        """Change so many of them."""
        first = select(inbox.c.event_id).where(self.which).order_by(self.by).limit(AT_ONCE)
        # Another replica's row is passed over, not waited for: two that wait for each other are a
        # deadlock. SQLite, which locks the file, ignores this.
        ids = first.with_for_update(skip_locked=True)
        nulls = dict.fromkeys(self.set_to_null)
        return update(inbox).where(inbox.c.event_id.in_(ids)).values(nulls)


def _tidying() -> Iterator[_Tidying]:
    at = inbox.c.lease_expires_at
    is_lapsed = ENTRY_IS_LEASED & inbox.c.event_id.not_in(WORKING)
    yield _Tidying(is_lapsed & (at <= NOW), at, ("lease_holder", "lease_expires_at"))
    yield _Tidying(is_lapsed & (at > HORIZON), at.desc(), ("lease_holder", "lease_expires_at"))
    at = inbox.c.waits_until
    yield _Tidying(at <= NOW, at, ("waits_until",))
    yield _Tidying(at > HORIZON, at.desc(), ("waits_until",))


_TIDYING: Final = tuple(_tidying())
_TIDY: Final = tuple(tidying.statement for tidying in _TIDYING)


def _rooms() -> CTE:
    """The rooms with ready entries, by name, from the one named ``start`` on.

    The last row is the room with which the next look begins, null if there is none.
    """

    def first(is_wanted: ColumnElement[bool]) -> ScalarSelect[Any]:
        query = select(_ready.c.room_name).where(entry_is_ready(_ready), is_wanted)
        return query.order_by(_ready.c.room_name).limit(1).scalar_subquery()

    start = first(_ready.c.room_name >= bindparam("start"))
    rooms = select(start.label("name"), literal(0).label("steps")).cte("rooms", recursive=True)
    step = case((is_leased(rooms.c.name), 1), else_=_STEPS_OF_FREE_ROOM)
    return rooms.union_all(
        select(first(_ready.c.room_name > rooms.c.name), rooms.c.steps + step).where(
            rooms.c.name.is_not(None), rooms.c.steps < _MOST_STEPS
        )
    )


def _look() -> Select[Any]:
    rooms = _rooms()
    in_work = select(inbox.c.room_name).where(inbox.c.event_id.in_(WORKING))
    is_busy = or_(is_leased(rooms.c.name), rooms.c.name.in_(in_work))

    due = select(_ready.c.event_id).where(
        entry_is_ready(_ready),
        _ready.c.room_name == rooms.c.name,
        is_due(_ready),
    )
    oldest = due.order_by(_ready.c.received_at, _ready.c.event_id).limit(1).scalar_subquery()
    found = select(
        rooms.c.name, rooms.c.steps, case((is_busy, None), else_=oldest).label("event_id")
    ).subquery("found")
    received_at = select(_ready.c.received_at).where(_ready.c.event_id == found.c.event_id)
    return select(
        found,
        received_at.scalar_subquery().label("received_at"),
        *(one.is_needed.label(f"tidy_{n}") for n, one in enumerate(_TIDYING)),
    )


LOOK: Final = _look()
_LEASE: Final = (
    update(inbox)
    .where(
        inbox.c.event_id.in_(
            select(_ready.c.event_id)
            .where(
                _ready.c.event_id.in_(bindparam("ids", expanding=True)),
                # The condition of no index, which planners would read instead of these few rows.
                func.coalesce(_ready.c.status, "") == literal_column("'pending'", String),
                _ready.c.lease_holder.is_(None),
                ~is_leased(_ready.c.room_name),
            )
            .with_for_update(skip_locked=True, of=_ready)
        )
    )
    .values(lease_holder=bindparam("by"), lease_expires_at=bindparam("until"))
    .returning(inbox)
)


class Head(NamedTuple):
    """The oldest due entry of a room."""

    received_at: datetime
    event_id: str


@attrs.frozen(kw_only=True)
class Found:
    """What a look at the inbox has found.

    ``heads`` are the oldest due entries of rooms in which none is leased, the oldest first. What
    has to be ``tidying`` first may bring others. ``next_room`` is where the next look begins, empty
    once every room was seen.
    """

    heads: Sequence[Head]
    tidying: Sequence[int]
    next_room: str

    @classmethod
    def of(cls, rows: Sequence[Row[Any]]) -> Self:
        """Return what the rows of :data:`LOOK` tell."""
        *seen, last = sorted(rows, key=lambda row: row.steps)
        return cls(
            heads=sorted(
                Head(row.received_at, row.event_id) for row in seen if row.event_id is not None
            ),
            tidying=[n for n in range(len(_TIDYING)) if getattr(last, f"tidy_{n}")],
            next_room=last.name or "",
        )


def look(connection: Connection, values: Mapping[str, Any], start: str) -> Found:
    """Look from the room ``start`` on."""
    return Found.of(connection.execute(LOOK, {**values, "start": start}).all())


def tidy(connection: Connection, values: Mapping[str, Any], found: Found) -> bool:
    """Free leases that are over and make entries ready that have waited; whether that is all."""
    changed = [connection.execute(_TIDY[n], values).rowcount for n in found.tidying]
    return max(changed) < AT_ONCE


def lease(
    connection: Connection, heads: Iterable[Head], holder: str, until: datetime
) -> Sequence[Row[Any]]:
    """Lease those of the entries that can still be leased; their rows, the oldest first."""
    ids = padded([head.event_id for head in heads])
    rows = connection.execute(_LEASE, {"ids": ids, "by": holder, "until": until}).all()
    return sorted(rows, key=lambda row: (row.received_at, row.event_id))


def padded(ids: Collection[str]) -> list[str]:
    """Fill up with ids that no entry has, so that few different statements are prepared."""
    length = 1 << max(len(ids) - 1, 0).bit_length()
    return [*ids, *[""] * (length - len(ids))]
