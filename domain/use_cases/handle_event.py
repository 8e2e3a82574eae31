"""Learn what a webhook event tells, and do what follows from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from domain.agent_config import AgentConfig
from domain.call import ROOM_CLOSED, Call, Source
from domain.errors import ClaimHeld, TooEarly
from domain.identifiers import Identity, RoomName
from domain.ledger import Ledger
from domain.ports.clock import Clock
from domain.ports.ids import IdGenerator
from domain.ports.rooms import Rooms
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.room import Participant, ParticipantKind, Room
from domain.room_event import EventKind, RoomEvent
from domain.session import EndReason, Session, SessionStatus
from domain.use_cases.ensure_agent import EnsureAgent
from domain.use_cases.locate_agent import LocateAgent, Whereabouts
from domain.use_cases.record_call import RecordCall
from domain.use_cases.serve_call import ServeCall

REPAIR_AFTER: Final = timedelta(seconds=10)
"""How long after its dispatch an agent that left is replaced: one that fails at once would
otherwise be dispatched in a circle."""


@attrs.frozen(kw_only=True)
class HandleEvent:
    """Events come late, twice, swapped or never; a repeated one changes nothing.

    ``dispatch_on_any_join`` dispatches for everybody who joins, not for callers only (debugging).
    """

    unit_of_work: UnitOfWorkFactory
    ledger: Ledger
    record_call: RecordCall
    serve_call: ServeCall
    ensure_agent: EnsureAgent
    locate_agent: LocateAgent
    rooms: Rooms
    clock: Clock
    ids: IdGenerator
    agent_name: str
    dispatch_on_any_join: bool = False

    async def __call__(self, event: RoomEvent) -> None:
        """Handle ``event``.

        Raises :class:`~domain.errors.ClaimHeld`, :class:`~domain.errors.Conflict` and
        :class:`~domain.errors.TooEarly` when it should be tried again, other errors as
        :class:`ServeCall`.
        """
        who = event.participant
        if event.kind is EventKind.ROOM_FINISHED:
            await self._room_finished(event)
        elif who is None:
            return
        elif who.leg is not None:
            await self._caller(event, who)
        elif who.kind is ParticipantKind.AGENT:
            if event.kind is EventKind.PARTICIPANT_JOINED:
                await self._agent_joined(event, who)
            else:
                await self._agent_left(event.room)
        elif (
            self.dispatch_on_any_join
            and who.is_person
            and event.kind is EventKind.PARTICIPANT_JOINED
        ):
            await self._anybody_joined(event.room, who)

    async def _caller(self, event: RoomEvent, who: Participant) -> None:
        assert who.leg is not None  # noqa: S101 - for mypy; the caller has looked
        status = who.leg_status
        if event.kind is EventKind.PARTICIPANT_JOINED:
            await self.serve_call(
                who.leg, lambda known: known.seen(status, event.at, Source.WEBHOOK), event.at
            )
            return
        await self.record_call(
            who.leg,
            lambda known: known.gone(
                event.at,
                Source.WEBHOOK,
                reason=event.disconnect_reason,
                last_status=status,
                aborted=event.kind is EventKind.PARTICIPANT_CONNECTION_ABORTED,
            ),
        )

    async def _agent_joined(self, event: RoomEvent, agent: Participant) -> None:
        session = await self._unclaimed(event.room)
        if session is None or agent.agent_name != session.agent_name:
            return
        known = session.status is SessionStatus.ACTIVE and session.room_sid == event.room.sid
        # CREATED without a claim is a dead process's: whoever takes it over settles it.
        if known or session.status is SessionStatus.CREATED:
            return
        if session.room_sid in (None, event.room.sid) and event.at >= session.created_at:
            await self.ledger.save(session.activated(event.room.sid, event.at))

    async def _agent_left(self, room: Room) -> None:
        """Somebody is on the telephone and nobody answers any more."""
        calls = await self._live_calls(room)
        if not calls:
            return
        session = await self._unclaimed(room)
        if session is not None and session.dispatched_at is not None:
            due_at = session.dispatched_at + REPAIR_AFTER
            if self.clock.now() < due_at:
                raise TooEarly("The agent that left was dispatched a moment ago.", due_at)
        await self.serve_call.again(calls[0], Source.API)

    async def _room_finished(self, event: RoomEvent) -> None:
        for call in await self._live_calls(event.room):
            await self.record_call(
                call.leg,
                lambda known: known.gone(event.at, Source.WEBHOOK, reason=ROOM_CLOSED),
            )
        session = await self._unclaimed(event.room)
        if session is None or session.room_sid not in (None, event.room.sid):
            return
        # A dispatch may have brought the room back since.
        located = await self.locate_agent(session)
        if located.whereabouts is Whereabouts.ROOM_CLOSED:
            await self.ledger.save(session.ended(EndReason.ROOM_FINISHED, event.at))

    async def _anybody_joined(self, room: Room, who: Participant) -> None:
        there = await self.rooms.find(RoomName(room.name))
        if there is None or there.sid != room.sid:
            return
        if any(other.identity == who.identity for other in await self.rooms.participants(there)):
            await self.ensure_agent(
                Session(
                    id=self.ids.session_id(),
                    room_name=RoomName(room.name),
                    room_sid=room.sid,
                    identity=Identity(who.identity),
                    agent_name=self.agent_name,
                    agent_config=AgentConfig.parse(None),
                    created_at=self.clock.now(),
                )
            )

    async def _live_calls(self, room: Room) -> list[Call]:
        async with self.unit_of_work() as work:
            return await work.calls.live_in(room.sid)

    async def _unclaimed(self, room: Room) -> Session | None:
        """The room's live session. Raises :class:`ClaimHeld` while somebody works on it.

        Its holder would take any change for a lost claim.
        """
        session = await self.ledger.live_in(RoomName(room.name))
        if session is not None and session.claim.is_held(self.clock.now()):
            raise ClaimHeld("Somebody else is starting or ending this session.")
        return session
