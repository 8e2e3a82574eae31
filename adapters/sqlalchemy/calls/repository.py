"""The ledger's calls in a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Executable, Integer, bindparam, insert, select, tuple_, update

from adapters.sqlalchemy.calls.mapping import (
    call_moves,
    call_values,
    placed_call_moves,
    to_call,
    to_call_outline,
)
from adapters.sqlalchemy.calls.table import (
    CALL_END_IS_PENDING,
    CALL_IS_LIVE,
    SEARCHABLE,
    calls,
)
from adapters.sqlalchemy.engine.bulk_statements import insert_rows
from adapters.sqlalchemy.engine.database import PAGE, Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.lookup import Lookup, Query
from adapters.sqlalchemy.engine.page import of_tenants
from adapters.sqlalchemy.engine.prefix_pages import rows_of_page
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.events.appender import SqlEvents
from adapters.sqlalchemy.mapping import readable, readable_slices
from domain.access.access import Access, visible
from domain.calls.call import Call, CallStatus
from domain.calls.call_events import call_events
from domain.calls.repository import CallFilter
from domain.calls.room_calls import CallOutline
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import CallId, RoomName
from domain.shared.pagination import Cursor

# Built once: SQLAlchemy then finds their compiled form by identity.
_GET: Final = Lookup(select(calls).where(calls.c.id == bindparam("wanted")))
_OF_PARTICIPANT: Final = Lookup(
    select(calls).where(
        calls.c.room_sid == bindparam("wanted_room"),
        calls.c.participant_sid == bindparam("wanted_participant"),
    )
)
# By the index of live calls' rooms, of which one may have more calls than a page. The
# comparison with the null room_sid of a call that is being dialled leaves it out.
_LIVE_PAGE: Final = (
    select(calls.c.id, calls.c.room_name, calls.c.room_sid, calls.c.status, calls.c.session_id)
    .where(
        CALL_IS_LIVE,
        tuple_(calls.c.room_sid, calls.c.id)
        > tuple_(bindparam("after_sid"), bindparam("after_id")),
    )
    .order_by(calls.c.room_sid, calls.c.id)
    .limit(PAGE)
)
_LIVE_IN: Final = Lookup(
    select(calls)
    .where(calls.c.room_sid == bindparam("wanted"), CALL_IS_LIVE)
    .order_by(calls.c.created_at, calls.c.id)
)
_NEWEST_IN: Final = Lookup(
    select(calls)
    .where(calls.c.room_name == bindparam("wanted"))
    .order_by(calls.c.created_at.desc(), calls.c.id.desc())
    .limit(1)
)
# By the index of ends that are pending.
_ENDS_DUE: Final = (
    select(calls)
    .where(CALL_END_IS_PENDING, calls.c.announce_at <= bindparam("now"))
    .order_by(calls.c.announce_at)
    .limit(bindparam("most", type_=Integer))
)
_ADD: Final[Executable] = insert(calls)
_ADD_MANY: Final[Executable] = insert_rows(calls)
_SAVE: Final[Executable] = update(calls).where(
    calls.c.id == bindparam("saved_id"), calls.c.version == bindparam("read_version")
)
# A statement of its own: the columns of a batch's rows must be the same.
_SAVE_PLACED: Final[Executable] = update(calls).where(
    calls.c.id == bindparam("saved_id"), calls.c.version == bindparam("read_version")
)

# What ended before then was created before then, which an index finds.
PRUNE_CALLS: Final[Executable] = delete_some(
    calls,
    calls.c.status.in_([CallStatus.ENDED.value, CallStatus.FAILED.value]),
    calls.c.created_at < bindparam("before"),
    calls.c.ended_at < bindparam("before"),
)


class SqlCalls:
    """Implements :class:`domain.calls.repository.CallRepository`.

    Changes are appended to ``writes``, for the unit of work to carry out; reads show them.
    """

    def __init__(self, database: Database, writes: list[Write], events: SqlEvents) -> None:
        self._database = database
        self._events = events
        self._writes = writes
        self._changed: dict[CallId, Call] = {}

    def forget(self) -> None:
        """No longer show changes, which are committed or undone."""
        self._changed.clear()

    async def add(self, call: Call) -> None:
        """Store a new call; a conflict surfaces at commit."""
        values, key = (
            call_values(call, self._events.announce_at(end_pending=call.end_pending)),
            call.id.value,
        )
        self._writes.append(Write(_ADD, values, _lock(call), many=_ADD_MANY, key=key))
        self._announce(call, call, is_new=True)
        self._changed[call.id] = call.without_news()

    async def save(self, call: Call) -> Call:
        """Store a change of a call; a conflict surfaces at commit."""
        stored = call.stored()
        moves = call_moves if call.placed_at is None else placed_call_moves
        which = {"saved_id": call.id.value, "read_version": call.version}
        save = _SAVE if call.placed_at is None else _SAVE_PLACED
        values, key = (
            moves(stored, self._events.announce_at(end_pending=call.end_pending)) | which,
            call.id.value,
        )
        self._writes.append(Write(save, values, _lock(call), key=key))
        self._announce(call, stored, is_new=False)
        self._changed[call.id] = stored
        return stored

    def _announce(self, call: Call, stored: Call, *, is_new: bool) -> None:
        announcer = self._events.announcer
        if announcer is not None:
            self._events.extend(call_events(announcer, call, stored, is_new=is_new))

    async def get(self, call_id: CallId, access: Access) -> Call | None:
        """Return the call with this id, if visible."""
        found = await self._read(_GET, lambda call: call.id == call_id, wanted=call_id.value)
        return visible(found[0], access) if found else None

    async def of_participant(
        self, room_sid: str, participant_sid: str, access: Access
    ) -> Call | None:
        """Return the call that is this participant's stay in this room instance, if visible."""

        def is_it(call: Call) -> bool:
            leg = call.leg
            stay = (room_sid, participant_sid)
            return leg is not None and (leg.room_sid, leg.participant_sid) == stay

        found = await self._read(
            _OF_PARTICIPANT, is_it, wanted_room=room_sid, wanted_participant=participant_sid
        )
        return visible(found[0], access) if found else None

    async def live_in(self, room_sid: str, access: Access) -> list[Call]:
        """Return the visible calls in this room instance that have not ended."""
        found = await self._read(
            _LIVE_IN, lambda call: call.is_live and call.room_sid == room_sid, wanted=room_sid
        )
        visible_ones = (call for call in found if access.sees(call.tenant))
        return sorted(visible_ones, key=lambda call: call.age)

    async def newest_in(self, room_name: RoomName, access: Access) -> Call | None:
        """Return the room's visible call that was created last."""
        name = room_name.value

        def is_wanted(call: Call) -> bool:
            return call.parties.room_name == name and access.sees(call.tenant)

        query = of_tenants(_NEWEST_IN, calls, access.tenants)
        found = await self._read(query, is_wanted, wanted=name)
        return max(found, key=lambda call: call.age, default=None)

    async def live(
        self, unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[list[CallOutline]]:
        """Yield the outlines of all committed live calls, a slice of a page at a time."""
        query = of_tenants(_LIVE_PAGE, calls, access.tenants)
        after = {"after_sid": "", "after_id": ""}
        while rows := await self._database.read_many(query, after):
            for outlines in readable_slices(rows, to_call_outline, unreadable):
                yield outlines
            after = {"after_sid": rows[-1].room_sid, "after_id": rows[-1].id}

    async def ends_due(
        self, now: datetime, limit: int, unreadable: list[StorageUnavailable], access: Access
    ) -> list[Call]:
        """Return committed calls whose ends are to be announced by ``now``."""
        query = of_tenants(_ENDS_DUE, calls, access.tenants)
        rows = await self._database.read_many(query, {"now": now, "most": limit})
        return readable(rows, to_call, unreadable)

    async def page(
        self, wanted: CallFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Call]:
        """The newest ``limit`` committed calls that are wanted, of those after ``after``."""
        rows = await rows_of_page(self._database, SEARCHABLE, wanted, after, limit, access.tenants)
        return [to_call(row) for row in rows]

    async def _read(
        self, query: Query, is_wanted: Callable[[Call], bool], **values: str
    ) -> list[Call]:
        found = [to_call(row) for row in await self._database.read(query, values)]
        return self._seen(found, is_wanted)

    def _seen(self, found: list[Call], is_wanted: Callable[[Call], bool]) -> list[Call]:
        """What is committed, unless this unit has changed it, and what it has changed."""
        return [call for call in found if call.id not in self._changed] + [
            call for call in self._changed.values() if is_wanted(call)
        ]


def _lock(call: Call) -> Lock:
    """By its participant's stay, which is unique: two replicas give one call different ids."""
    if call.leg is None:
        return "calls", call.id.value
    return "calls", call.leg.room_sid, call.leg.participant_sid
