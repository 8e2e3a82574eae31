"""End a room and its session."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.access.access import SYSTEM, Access
from domain.rooms.dispatcher import Dispatcher
from domain.rooms.rooms import Rooms
from domain.sessions.hold_ended_room import HoldEndedRoom
from domain.sessions.keep_agent import delete_dispatches
from domain.sessions.renew_claim import RenewClaim
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, NotFound
from domain.shared.identifiers import RoomName
from domain.shared.ids import IdGenerator
from domain.shared.livekit_errors import LiveKitError
from domain.shared.retry_on_conflict import RetryOnConflict


@attrs.frozen
class EndSessionCommand:
    """The room to end, unchecked."""

    room_name: str
    access: Access


@attrs.frozen(kw_only=True)
class EndSession:
    """Deletes the LiveKit room, then ends the session.

    The dispatch of an agent that has not joined is deleted first: its worker would go on, and its
    join bring the room back.

    Holds the session's dispatch claim meanwhile, so that no agent is dispatched into the room
    after it was deleted, which would bring it back.
    """

    ledger: SessionStore
    rooms: Rooms
    dispatcher: Dispatcher
    hold_room: HoldEndedRoom
    clock: Clock
    ids: IdGenerator
    retry_on_conflict: RetryOnConflict
    renew_claim: RenewClaim
    lease: timedelta

    async def __call__(self, command: EndSessionCommand) -> None:
        """End it. A room that LiveKit has already closed is a success.

        Raises ``InvalidInput``, ``NotFound`` for a room
        that neither the ledger nor LiveKit knows or that is another tenant's,
        ``LiveKitError`` (the session stays live, so that ending it again
        works), ``SessionBusy`` or ``StorageUnavailable``.
        """
        room_name = RoomName.existing(command.room_name)
        await self.retry_on_conflict.take(room_name, lambda: self._end(room_name, command.access))

    async def _end(self, room_name: RoomName, access: Access) -> None:
        session = await self.hold_room.released(await self.ledger.live_in(room_name, SYSTEM))
        if session is None:
            session = await self.ledger.newest_in(room_name, SYSTEM)
        if not access.sees(None if session is None else session.tenant):
            # Another tenant's room is not touched; the caller's earlier session there has ended.
            live = session is not None and session.is_live
            if live or await self.ledger.newest_in(room_name, access) is None:
                raise _unknown(room_name)
            return
        if session is None:
            # LiveKit may have the room all the same, made by another program.
            deleted = await self.rooms.delete(room_name)
            if await self.ledger.live_in(room_name, SYSTEM) is not None:
                raise Conflict("A session was started meanwhile.")
            if not deleted:
                raise _unknown(room_name)
        elif session.is_live:
            await self._end_live(session, access)
        else:
            await self._end_again(session, access)

    async def _end_again(self, ended: Session, access: Access) -> None:
        """Delete the room of an ended session, which a late agent or a valid token brought back.

        Tokens for it that are still valid bring no agent any more.
        """
        if ended.join_until is not None:
            ended = ended.ended_by_caller_too(self.clock.now())
        async with self.hold_room(ended):
            room = await self.rooms.find(ended.room_name)
            if room is not None and (
                access.sees(None) or ended.reserves(room.sid, self.clock.now())
            ):
                await self.rooms.delete(ended.room_name)

    async def _end_live(self, session: Session, access: Access) -> None:
        is_unused = session.is_unused and not access.sees(None)
        may_have_dispatches = session.status is not SessionStatus.ACTIVE and not session.is_unused
        session = await self.ledger.save(
            session.claimed(self.ids.claim_holder(), self.clock.now(), self.lease)
        )
        try:
            if may_have_dispatches:
                await delete_dispatches(self.dispatcher, session)
            session = await self.renew_claim.if_doubtful(session)
            if not is_unused or not await self._has_others(session):
                await self.rooms.delete(session.room_name)
        except LiveKitError:
            await self.ledger.save(session.released())
            raise
        await self.ledger.save(session.ended(EndReason.ENDED_BY_CALLER, self.clock.now()))

    async def _has_others(self, session: Session) -> bool:
        """Whether participants other than the session's user are in a room of its name.

        No agent was dispatched there, so it may be another program's room.
        """
        room = await self.rooms.find(session.room_name)
        participants = [] if room is None else await self.rooms.participants(room)
        return any(one.identity != session.identity.value for one in participants)


def _unknown(room_name: RoomName) -> NotFound:
    return NotFound(f"There is no room '{room_name}'.", field="roomName")
