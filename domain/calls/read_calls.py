"""Look calls up in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from domain.access.access import Access
from domain.calls.call import Call
from domain.calls.repository import CallFilter, CallWork
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.identifiers import CallId, RoomName
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class ReadCalls:
    """Reads the ledger only; LiveKit is not asked.

    ``normalised`` turns a number as a caller writes it into the form that calls have.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    normalised: Callable[[str], str] = str

    async def by_id(self, call_id: str, access: Access) -> Call:
        """The call with this id, if it is visible. Raises :class:`NotFound`."""
        try:
            wanted = CallId(call_id)
        except InvalidInput:
            wanted = None
        if wanted is not None:
            async with self.unit_of_work() as work:
                call = await work.calls.get(wanted, access)
            if call is not None:
                return call
        raise NotFound("There is no call with this id.", field="callId")

    async def by_room(self, room_name: str, access: Access) -> Call:
        """The room's newest call that is visible. Raises :class:`NotFound`."""
        missing = NotFound("There was never a call in this room.", field="roomName")
        try:
            wanted = RoomName(room_name)
        except InvalidInput:
            raise missing from None
        async with self.unit_of_work() as work:
            call = await work.calls.newest_in(wanted, access)
        if call is None:
            raise missing
        return call

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
