"""Compare the ledger with what LiveKit says is there, and put right what differs."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import attrs

from domain.call import ROOM_CLOSED, Call, CallStatus, Source
from domain.errors import (
    ClaimHeld,
    Conflict,
    LiveKitError,
    SessionEnded,
    TooEarly,
)
from domain.identifiers import CallId, RoomName
from domain.ledger import Ledger
from domain.ports.clock import Clock
from domain.ports.rooms import Rooms
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.room import Participant, ParticipantKind, Room
from domain.session import EndReason, Session, SessionStatus
from domain.use_cases.handle_event import REPAIR_AFTER
from domain.use_cases.locate_agent import LocateAgent, Whereabouts
from domain.use_cases.record_call import RecordCall
from domain.use_cases.serve_call import ServeCall
from domain.use_cases.withdraw_agent import WithdrawAgent

ABANDONED_AFTER: Final = timedelta(minutes=10)
"""How long a session may wait for a room that nobody has opened."""

Item = TypeVar("Item")


@attrs.frozen
class Reconciliation:
    """What one cycle did: ``repairs`` by kind, and why some rooms must wait for the next one."""

    rooms: int
    examined: int
    repairs: Counter[str]
    problems: list[str]


@attrs.frozen
class _Seen:
    """A room when it was looked into: how many people were there, what the ledger had."""

    people: int
    calls: frozenset[CallId]
    session_version: int | None


@attrs.define(kw_only=True)
class Reconcile:
    """One cycle costs one ListRooms, and ListParticipants for the rooms that give a reason.

    A reason is: people or calls came or went since the last look, a call that was not answered yet
    or has no agent, an agent that should have been seen by now. Beside these, ``rotation`` rooms
    with calls, and a fifth as many without, are looked into in turn, for what shows in no number:
    an agent that went away without a word, a caller in another's place. No more than ``budget``
    rooms are looked into in a cycle, ``parallel`` at a time; what is left has its reason in the
    next one too. With ``telephony`` off, sessions alone are compared.
    """

    unit_of_work: UnitOfWorkFactory
    ledger: Ledger
    rooms: Rooms
    record_call: RecordCall
    serve_call: ServeCall
    locate_agent: LocateAgent
    withdraw_agent: WithdrawAgent
    clock: Clock
    telephony: bool = True
    budget: int = 500
    rotation: int = 100
    parallel: int = 16
    _seen: dict[str, _Seen] = attrs.field(factory=dict, init=False)
    _turns: Counter[str] = attrs.field(factory=Counter, init=False)
    _repairs: Counter[str] = attrs.field(factory=Counter, init=False)
    _problems: list[str] = attrs.field(factory=list, init=False)

    async def __call__(self) -> Reconciliation:
        """Run one cycle.

        Raises :class:`~domain.errors.LiveKitError` if LiveKit does not list its rooms, which ends
        nothing, or :class:`~domain.errors.StorageUnavailable`.
        """
        self._repairs, self._problems = Counter(), []
        # The ledger first: what it has and LiveKit lists no more is gone.
        async with self.unit_of_work() as work:
            sessions = {str(one.room_name): one for one in await work.sessions.open()}
            calls: defaultdict[str, list[Call]] = defaultdict(list)
            for call in await work.calls.live():
                calls[call.leg.room_sid].append(call)
        now = self.clock.now()
        listed = {room.name: room for room in await self.rooms.all()}
        sids = {room.sid for room in listed.values()}
        # Whoever waits for an agent comes before what is over.
        self._seen = {sid: seen for sid, seen in self._seen.items() if sid in sids}
        chosen = self._chosen(list(listed.values()), calls, sessions, now)
        await self._each(
            chosen,
            lambda room: self._look_into(room, calls[room.sid], sessions.get(room.name), now),
        )
        gone = [
            call
            for sid, there in calls.items()
            if sid not in sids
            for call in there
            if not call.leg.may_be_unlisted(now)
        ]
        await self._each(gone, lambda call: self._end_call(call, now, ROOM_CLOSED))
        await self._each(
            sessions.values(),
            lambda session: self._compare(session, listed.get(str(session.room_name)), now),
        )
        return Reconciliation(len(listed), len(chosen), self._repairs, self._problems)

    async def _each(self, items: Iterable[Item], treat: Callable[[Item], Awaitable[None]]) -> None:
        waiting = iter(list(items))

        async def work() -> None:
            for item in waiting:
                try:
                    await treat(item)
                except (ClaimHeld, Conflict, TooEarly, SessionEnded):
                    continue  # somebody is at it; the next cycle looks again
                except LiveKitError as error:
                    self._problems.append(str(error))

        tasks = [asyncio.create_task(work()) for _ in range(self.parallel)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()  # those that go on after another one's failure
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _end_call(self, call: Call, now: datetime, reason: str | None = None) -> None:
        await self.record_call(
            call.leg, lambda known: known.gone(now, Source.RECONCILER, reason=reason)
        )
        self._repairs["call_ended"] += 1

    async def _compare(self, session: Session, room: Room | None, now: datetime) -> None:
        """End a session whose room is no more."""
        if session.claim.is_held(now):
            return
        if room is None:
            if session.dispatch_id is not None or session.room_sid is not None:
                await self._end_session(session, EndReason.ROOM_FINISHED, now)
            elif now - session.created_at > ABANDONED_AFTER:
                await self._end_session(session, EndReason.ABANDONED, now)
        elif session.room_sid not in (None, room.sid):
            located = await self.locate_agent(session)
            if located.whereabouts is Whereabouts.ROOM_CLOSED:
                await self._end_session(session, EndReason.ROOM_FINISHED, now)
            elif session.phone is not None and not await self._has_people(room):
                # The dispatch came too late for its caller, and brought the room back.
                await self.withdraw_agent(session, EndReason.ROOM_FINISHED)
                self._repairs["agent_withdrawn"] += 1
            elif located.whereabouts is Whereabouts.IN_ROOM:
                await self.ledger.save(session.activated(room.sid, now, located.dispatch_id))
        elif session.claim.is_unsettled:
            await self._settle(session, room, now)

    async def _settle(self, session: Session, room: Room, now: datetime) -> None:
        """Find out what came of a dispatch whose outcome nobody recorded."""
        located = await self.locate_agent(session)
        if located.dispatch_id is not None:
            settled = session.with_agent_dispatched(located.dispatch_id, now)
        elif located.whereabouts is Whereabouts.GONE:
            settled = session.with_dispatch_failed(uncertain=False)
        elif (
            located.whereabouts is Whereabouts.IN_ROOM
            and session.status is not SessionStatus.CREATED
        ):
            settled = session.activated(room.sid, now)
        else:
            return
        await self.ledger.save(settled)
        self._repairs["dispatch_settled"] += 1

    async def _has_people(self, room: Room) -> bool:
        """Whether somebody is there; LiveKit tells the number up to 5 s late."""
        return room.people > 0 or any(who.is_person for who in await self.rooms.participants(room))

    async def _end_session(self, session: Session, reason: EndReason, now: datetime) -> None:
        await self.ledger.save(session.ended(reason, now))
        self._repairs["session_ended"] += 1

    def _chosen(
        self,
        rooms: list[Room],
        calls: dict[str, list[Call]],
        sessions: dict[str, Session],
        now: datetime,
    ) -> list[Room]:
        """The rooms to look into, those with a reason first."""
        reasoned, with_calls, others = [], [], []
        for room in rooms:
            there, session = calls.get(room.sid, []), sessions.get(room.name)
            if self._has_reason(room, there, session, now):
                reasoned.append(room)
            elif there:
                with_calls.append(room)
            elif self.telephony and room.people:
                others.append(room)
        reasoned.sort(
            key=lambda room: bool(calls.get(room.sid))
        )  # nobody knows who is there: first
        # However many have a reason, a fifth of the budget is for those whose turn it is.
        turns = min(self.rotation, max(self.budget - len(reasoned), self.budget // 5))
        turned = self._in_turn("with calls", with_calls, turns)
        turned += self._in_turn("others", others, min(turns - len(turned), self.rotation // 5))
        return reasoned[: self.budget - len(turned)] + turned

    def _in_turn(self, kind: str, rooms: list[Room], turns: int) -> list[Room]:
        """``turns`` of these rooms, others in each cycle until all had their turn."""
        first = self._turns[kind] % len(rooms) if rooms else 0
        self._turns[kind] = first + turns
        return (rooms[first:] + rooms[:first])[:turns]

    def _has_reason(
        self, room: Room, calls: list[Call], session: Session | None, now: datetime
    ) -> bool:
        if any(call.status is not CallStatus.ACTIVE or call.session_id is None for call in calls):
            return True
        known = frozenset(call.id for call in calls)
        users = session is not None and session.phone is None
        # A process that has not looked yet takes the ledger's word if the numbers agree.
        seen = self._seen.get(room.sid, _Seen(len(calls) + users, known, None))
        if self.telephony and (room.people, known) != (seen.people, seen.calls):
            return True
        overdue = (
            session is not None
            and session.status is not SessionStatus.ACTIVE
            and session.dispatched_at is not None
            and now >= session.dispatched_at + REPAIR_AFTER
        )
        version = None if session is None else session.version
        return overdue and (bool(calls) or seen.session_version != version)

    async def _look_into(
        self, room: Room, calls: list[Call], session: Session | None, now: datetime
    ) -> None:
        there = await self.rooms.participants(room)
        live = await self._callers(room, calls, there, now) if self.telephony else []
        await self._agent(room, live, session, there, now)
        version = None if session is None else session.version
        self._seen[room.sid] = _Seen(room.people, frozenset(call.id for call in live), version)

    async def _callers(
        self, room: Room, calls: list[Call], there: list[Participant], now: datetime
    ) -> list[Call]:
        """The room's live calls after what its participants told."""
        callers = {who.leg.participant_sid: who for who in there if who.leg is not None}
        live = []
        for call in calls:
            who = callers.pop(call.leg.participant_sid, None)
            if who is not None:
                live.append(await self._note(call, who, now))
            elif not call.leg.may_be_unlisted(now):
                await self._end_call(call, now)
        if callers:
            # LiveKit lists by name: make sure that these are in this instance.
            found = await self.rooms.find(RoomName(room.name))
            for who in callers.values() if found is not None and found.sid == room.sid else ():
                call = await self._note(None, who, now)
                if call.is_live:  # LiveKit lists some a moment after they have left
                    live.append(call)
        return [call for call in live if call.is_live]

    async def _note(self, call: Call | None, who: Participant, now: datetime) -> Call:
        assert who.leg is not None  # noqa: S101 - for mypy; only callers are noted
        if call is not None and call.status is CallStatus.ACTIVE:
            return call
        noted = await self.record_call(
            who.leg, lambda known: known.seen(who.leg_status, now, Source.RECONCILER)
        )
        if call is None and noted.version == 0:
            self._repairs["call_added"] += 1
        elif call is not None and noted.status is not call.status:
            self._repairs["call_followed"] += 1
        return noted

    async def _agent(
        self,
        room: Room,
        calls: list[Call],
        session: Session | None,
        there: list[Participant],
        now: datetime,
    ) -> None:
        agent_is_there = session is not None and any(
            who.kind is ParticipantKind.AGENT and who.agent_name in (None, session.agent_name)
            for who in there
        )
        if session is not None and session.claim.is_held(now):
            return
        if session is not None and agent_is_there:
            known = session.status is SessionStatus.ACTIVE and session.room_sid == room.sid
            if not known and session.status is not SessionStatus.CREATED:
                await self.ledger.save(session.activated(room.sid, now))
                self._repairs["agent_seen"] += 1
            for call in calls:
                if call.session_id is None:
                    await self.serve_call.again(call, Source.RECONCILER)
            return
        expected = (
            session is not None
            and session.agent_dispatched
            and session.dispatched_at is not None
            and now < session.dispatched_at + REPAIR_AFTER
        )
        if calls and not expected:
            for call in calls:
                await self.serve_call.again(call, Source.RECONCILER)
            self._repairs["agent_dispatched"] += 1
