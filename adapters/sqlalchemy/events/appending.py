"""Append events in the transaction of the change that they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Executable,
    Integer,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql

from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.events.table import events
from domain.events.domain_event import DomainEvent, EventKind
from domain.shared.timeline import Source

_GIVEN: Final = [
    column.name for column in events.columns if column.name not in ("position", "sequence")
]
# Literals, so that the parameters of one row and of many have the same order.
_NEWEST: Final = func.coalesce(func.max(events.c.sequence), literal_column("0", Integer))
_APPEND: Final[Executable] = insert(events).from_select(
    [*_GIVEN, "sequence"],
    select(
        *(bindparam(name, type_=events.c[name].type) for name in _GIVEN),
        _NEWEST + literal_column("1", Integer),
    ).where(events.c.lane == bindparam("lane", type_=events.c.lane.type)),
)


def _append_many() -> Any:
    """Return PostgreSQL's statement that appends events to any lanes, in the order given."""
    given = (bindparam(name, type_=ARRAY(events.c[name].type)) for name in _GIVEN)
    rows = (
        func.unnest(*given).table_valued(*_GIVEN, with_ordinality="place").render_derived("given")
    )
    newest = select(_NEWEST).where(events.c.lane == rows.c.lane).scalar_subquery()
    in_lane = func.row_number().over(partition_by=rows.c.lane, order_by=rows.c.place)
    query = select(*(rows.c[name] for name in _GIVEN), newest + in_lane.cast(Integer))
    statement = postgresql.insert(events).from_select(
        [*_GIVEN, "sequence"], query.order_by(rows.c.place)
    )
    return statement.returning(events.c.id)


_APPEND_MANY: Final[Executable] = _append_many()


def append(event: DomainEvent) -> Write:
    """Return the write of an event behind those in its lane."""
    key = event.id.value
    return Write(_APPEND, _values(event), _lock(event), many=_APPEND_MANY, key=key)


_OF_EVENT: Final = ("id", "known_at", "data")


class WithCreated:
    """PostgreSQL's statements that insert a row, or many, with the first event in its lane.

    One statement needs no BEGIN and no COMMIT. The event's row comes out of that of the entity,
    whose id, tenant and ``created_at`` it has; ``id_column`` is that of the id.
    """

    def __init__(self, table: Table, kind: EventKind, id_column: str) -> None:
        self._table = table
        self._names = [column.name for column in table.columns]
        self._renamed = [(name, _own(name)) for name in self._names]
        self._id_column = id_column
        self._fixed: Mapping[str, Any] = {
            "kind": literal_column(f"'{kind.value}'"),
            "sequence": literal_column("1"),
            "source": literal_column(f"'{Source.API.value}'"),
        }
        self.one: Executable = self._of_one()
        self.many: Executable = self._of_many()

    def write(self, values: Mapping[str, Any], event: DomainEvent, lock: Lock) -> Write:
        """Return the write of a row with these ``values`` and of its ``event``."""
        both = {own: values[name] for name, own in self._renamed}
        both["event_id"], both["event_known_at"] = event.id.value, event.known_at
        both["event_data"] = event.data
        return Write(self.one, both, lock, many=self.many, key=event.id.value)

    def _of_one(self) -> Any:
        table = self._table
        own = {name: bindparam(_own(name), type_=table.c[name].type) for name in self._names}
        event = {name: bindparam(_of_event(name), type_=events.c[name].type) for name in _OF_EVENT}
        added = self._returning(postgresql.insert(table).values(own))
        return self._insert(added, event, select().select_from(added))

    def _of_many(self) -> Any:
        types = {_of_event(name): events.c[name].type for name in _OF_EVENT}
        types |= {_own(name): self._table.c[name].type for name in self._names}
        given = (bindparam(name, type_=ARRAY(kind)) for name, kind in types.items())
        unnested = func.unnest(*given).table_valued(*types).render_derived("given")
        rows = select(unnested).cte("given_rows")
        own = select(*(rows.c[_own(name)] for name in self._names))
        added = self._returning(postgresql.insert(self._table).from_select(self._names, own))
        event = {name: rows.c[_of_event(name)] for name in _OF_EVENT}
        both = rows.join(added, added.c.id == rows.c[_own("id")])
        return self._insert(added, event, select().select_from(both)).returning(events.c.id)

    def _returning(self, inserted: Any) -> Any:
        table = self._table
        return inserted.returning(table.c.id, table.c.tenant, table.c.created_at).cte("added")

    def _insert(self, added: Any, event: Mapping[str, Any], query: Any) -> Any:
        columns = {
            **event,
            **self._fixed,
            "lane": added.c.id,
            self._id_column: added.c.id,
            "tenant": added.c.tenant,
            "occurred_at": added.c.created_at,
        }
        columns_in_order = query.add_columns(*columns.values())
        return postgresql.insert(events).from_select([*columns], columns_in_order)


def _own(name: str) -> str:
    return f"row_{name}"


def _of_event(name: str) -> str:
    return f"event_{name}"


def _values(event: DomainEvent) -> dict[str, Any]:
    return {
        "id": event.id.value,
        "kind": event.kind.value,
        "lane": event.lane,
        "tenant": event.tenant,
        "session_id": None if event.session_id is None else event.session_id.value,
        "call_id": None if event.call_id is None else event.call_id.value,
        "occurred_at": event.occurred_at,
        "known_at": event.known_at,
        "source": event.source.value,
        "data": event.data,
    }


def _lock(event: DomainEvent) -> Lock:
    """Behind those of every table: the events of a batch are written last, in one statement."""
    return "~events", event.lane
