"""Look calls up in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from domain.access.access import Access
from domain.calls.call import Call
from domain.calls.repository import CallFilter, CallWork
from domain.shared.identifiers import CallId, RoomName
from domain.shared.look_up import look_up
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class ReadCalls:
    """Reads the ledger only; LiveKit is not asked.

    ``normalised`` turns a number as a caller writes it into the form that calls have.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    normalised: Callable[[str], str]

    async def by_id(self, call_id: str, access: Access) -> Call:
        """Return the call with this id if it is visible. Raises ``NotFound``."""
        missing = "There is no call with this id."
        async with self.unit_of_work() as work:
            find = partial(work.calls.get, access=access)
            return await look_up(call_id, CallId, find, missing=missing, field="callId")

    async def by_room(self, room_name: str, access: Access) -> Call:
        """Return the room's newest call that is visible. Raises ``NotFound``."""
        missing = "There was never a call in this room."
        async with self.unit_of_work() as work:
            find = partial(work.calls.newest_in, access=access)
            return await look_up(room_name, RoomName, find, missing=missing, field="roomName")

    async def page(
        self,
        wanted: CallFilter,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Call] | None = None,
    ) -> Page[Call]:
        """The visible calls that match, newest first, of those after ``after``."""
        wanted = attrs.evolve(
            wanted,
            from_number=self._number(wanted.from_number),
            to_number=self._number(wanted.to_number),
        )
        async with self.unit_of_work() as work:
            read = partial(work.calls.page, wanted, access=access)
            return await read_page(read, after, limit, capacity)

    def _number(self, given: str | None) -> str | None:
        return None if given is None else self.normalised(given)
