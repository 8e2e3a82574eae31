"""The port to the ledger's calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from domain.access.access import Access
from domain.calls.call import Call, CallStatus
from domain.calls.room_calls import CallOutline
from domain.events.outbox import EventWork
from domain.rooms.sip_leg import Direction
from domain.sessions.repository import SessionWork
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import CallId, RoomName
from domain.shared.pagination import Cursor, Span
from domain.shared.prefix import Prefix


@attrs.frozen(kw_only=True)
class CallFilter:
    """Select the calls that match every field that is not None.

    ``from_number`` and ``to_number`` are compared as they are stored (E.164 where they parse).
    ``prefix`` is that of the call's id, its room's name, its participant's identity, its SIP call
    id or one of its numbers.
    """

    status: CallStatus | None = None
    direction: Direction | None = None
    from_number: str | None = None
    to_number: str | None = None
    room_name: str | None = None
    prefix: Prefix | None = None
    created: Span = Span()


class CallRepository(Protocol):
    """The ledger's calls. Every method raises ``StorageUnavailable`` when storage fails."""

    async def add(self, call: Call) -> None:
        """Store a new call.

        Raises :class:`~domain.shared.errors.Conflict`, here or at commit, if its id is taken or its
        participant has a call already.
        """
        ...

    async def save(self, call: Call) -> Call:
        """Store a change of a call that was read at ``call.version``.

        The leg of a call that LiveKit reported first stays as it was added, but for what
        :meth:`~domain.rooms.sip_leg.SipLeg.completed_by` completes.
        Returns it as the next reader sees it, at ``call.version + 1``. Raises
        :class:`~domain.shared.errors.Conflict`, here or at commit, if it has changed since.
        """
        ...

    async def get(self, call_id: CallId, access: Access) -> Call | None:
        """Return the call with this id if it is visible to ``access``."""
        ...

    async def of_participant(
        self, room_sid: str, participant_sid: str, access: Access
    ) -> Call | None:
        """Return the call that is this participant's stay in this room instance, if visible."""
        ...

    async def live_in(self, room_sid: str, access: Access) -> list[Call]:
        """Return the visible calls in this room instance that have not ended."""
        ...

    async def newest_in(self, room_name: RoomName, access: Access) -> Call | None:
        """Return the visible call of the room that was created last."""
        ...

    def live(
        self, unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[Sequence[CallOutline]]:
        """Yield the outlines of the visible committed calls in a room that have not ended.

        A call that is being dialled is in no room yet. The rest is as for sessions.
        """
        ...

    async def ends_due(
        self, now: datetime, limit: int, unreadable: list[StorageUnavailable], access: Access
    ) -> list[Call]:
        """Return up to ``limit`` visible committed calls whose ends are to be announced by ``now``.

        The rest is as for sessions.
        """
        ...

    async def page(
        self, wanted: CallFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Call]:
        """Return the newest ``limit`` visible calls that match, of those older than ``after``.

        Shows what is committed only.
        """
        ...


class CallWork(SessionWork, EventWork, Protocol):
    """A transaction on calls, their sessions and their events."""

    @property
    def calls(self) -> CallRepository:
        """Return the calls as this transaction sees them."""
        ...
