"""Where and when a session or a call was."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.access.access import SYSTEM, Access
from domain.calls.call import Call
from domain.calls.read_calls import ReadCalls
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session import Session
from domain.shared.identifiers import RoomName


@attrs.frozen(kw_only=True)
class Place:
    """The room of a session or a call, and what the ledger knows of it.

    ``room_sid`` is None until the instance is known. ``ended_at`` is None while either lives.
    ``shows_all``: the reader may see everyone in the room but the parties of others' calls.
    """

    room_name: RoomName
    room_sid: str | None
    since: datetime
    ended_at: datetime | None
    session: Session | None
    call: Call | None
    shows_all: bool = True

    @property
    def is_live(self) -> bool:
        """Whether the session or the call has not ended."""
        return self.ended_at is None


@attrs.frozen
class FindPlace:
    """Read the session and the call that share a room."""

    read_sessions: ReadSessions
    read_calls: ReadCalls

    async def of_session(self, session_id: str, access: Access) -> Place:
        """Return that of a session, with its phone call. Raises ``NotFound``."""
        session = await self.read_sessions.by_id(session_id, access)
        call = None
        if session.phone is not None:
            async with self.read_calls.unit_of_work() as work:
                call = await work.calls.get(session.phone.call_id, SYSTEM)
        return Place(
            room_name=session.room_name,
            room_sid=session.room_sid or (call and call.room_sid) or None,
            since=min(session.created_at, call.created_at) if call else session.created_at,
            ended_at=session.ended_at,
            session=session,
            call=call,
        )

    async def of_call(self, call_id: str, access: Access) -> Place:
        """Return that of a call, with the session that serves it. Raises ``NotFound``."""
        call = await self.read_calls.by_id(call_id, access)
        session = await self._session_of(call)
        if session is None:
            since, ended_at, room_sid = call.created_at, call.ended_at, call.room_sid
        else:
            since = min(session.created_at, call.created_at)
            ended_at = None if call.is_live else session.ended_at
            room_sid = call.room_sid or session.room_sid
        return Place(
            room_name=RoomName(call.parties.room_name),
            room_sid=room_sid or None,
            since=since,
            ended_at=ended_at,
            session=session,
            call=call,
            shows_all=session is None or access.sees(session.tenant),
        )

    async def _session_of(self, call: Call) -> Session | None:
        """Return the session in the call's room, whosever it is."""
        ledger = self.read_sessions.ledger
        if call.session_id is not None:
            return await ledger.get(call.session_id, SYSTEM)
        newest = await ledger.newest_in(RoomName(call.parties.room_name), SYSTEM)
        is_its = newest is not None and call.room_sid and newest.room_sid == call.room_sid
        return newest if is_its else None
