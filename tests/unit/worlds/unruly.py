"""A world in which nothing can be relied on, in virtual time.

Workers are slow, absent or deaf to the end of their job; webhooks are lost, late or doubled.
LiveKit answers too little, dates events by a clock of its own and carries requests out after their
time-out. The ledger is restored from a backup. Other programs dispatch agents of the same name.
"""

from __future__ import annotations

import copy
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.inbox.webhook_verifier import WebhookEvent
from domain.rooms.room import Participant, ParticipantKind
from domain.rooms.room_event import EventKind
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.shared.errors import DomainError
from tests.unit.worlds.fake_livekit import Fault, ListedDispatch
from tests.unit.worlds.steps import Crashed
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld
from tests.unit.worlds.world import AGENT

STEP: Final = timedelta(seconds=2.5)
DEPARTURE: Final = timedelta(seconds=20)
"""LiveKit closes a room so long after its last person left (``departure_timeout``)."""
OTHER: Final = "support"
"""The name of a second agent, which some sessions have."""
EMPTY: Final = timedelta(seconds=300)
"""And one that no person ever came to after this (``empty_timeout``)."""
CATCHES_UP: Final = timedelta(seconds=8)


@attrs.define
class Job:
    """A worker's job, which joins its room although that, or its dispatch, is gone by then."""

    room: str
    identity: str
    joins_at: datetime
    dispatch: ListedDispatch


class UnrulyWorld(PhoneWorld):
    """A service and its LiveKit; :meth:`passes` lets time go on."""

    def __init__(self) -> None:
        super().__init__()
        self.delay: timedelta | None = timedelta()
        """How long workers take from the job to the join; None: no worker is registered."""
        self.lag = timedelta()
        """How late LiveKit lists a job."""
        self.deaf = False
        """Whether workers join although their dispatch was deleted."""
        self.hearing = "at once"
        self.livekit_ahead = timedelta()
        self.jobs: list[Job] = []
        self._lag_ends: list[tuple[datetime, ListedDispatch, str]] = []
        self._dispatches: set[str] = set()
        self.ours: set[str] = set()
        """The identities of agents that the service dispatched."""
        self._there: dict[tuple[str, str], Participant] = {}
        self._rooms: dict[str, str] = {}
        self._empty_since: dict[str, datetime] = {}
        self._had_people: set[str] = set()
        self._late: list[tuple[datetime, WebhookEvent]] = []
        self._backup = copy.deepcopy(self.storage.memory)
        self._reconciles_at = self.clock.now()
        self._catches_up_at: datetime | None = None
        self._two_since: dict[str, datetime] = {}

    # What happens

    def comes(self, room: str, identity: str = "user-1") -> None:
        """A browser's user joins."""
        self.livekit.opens(room).people[identity] = Participant(
            identity, ParticipantKind.STANDARD, joined_at=self._livekits_now()
        )
        self.observes()

    def calls_in(self, room: str, number: str, *, rule: bool = False) -> None:
        """A telephone joins; ``rule`` names an agent of ours in its dispatch rule."""
        is_new = room not in self.livekit.open
        live = self.livekit.opens(room)
        identity = f"sip_{number}"
        live.people.pop(identity, None)
        self.observes()
        leg = SipLeg(
            room_name=room,
            room_sid=live.sid,
            participant_sid=self.livekit.new_id("PA"),
            participant_identity=identity,
            joined_at=self._livekits_now(),
        )
        live.people[identity] = Participant(
            identity, ParticipantKind.SIP, leg=leg, leg_status=LegStatus.ACTIVE
        )
        self.stays.append(leg)
        if rule and is_new:
            self.somebody_dispatches(room)
        self.observes()

    def goes(self, room: str) -> None:
        """Every person leaves the room."""
        live = self.livekit.open.get(room)
        for one in list(live.people.values()) if live else ():
            if live and one.is_person:
                del live.people[one.identity]
        self.observes()

    def agents_die(self, room: str) -> None:
        """The workers of the room's agents are killed."""
        self.livekit.agents_leave(room)
        self.observes()

    def somebody_dispatches(self, room: str) -> None:
        """Another program dispatches an agent of the same name."""
        dispatch = ListedDispatch(self.livekit.new_id("AD"), AGENT, '{"session_id": null}')
        self.livekit.opens(room).dispatches[dispatch.id] = dispatch
        self.observes()

    def closes_by_itself(self, room: str) -> None:
        """LiveKit loses the room."""
        self.livekit.closes(room)
        self.observes()

    def backs_up(self) -> None:
        """Somebody makes a backup of the ledger."""
        self._backup = copy.deepcopy(self.storage.memory)

    def restores(self) -> None:
        """The ledger is restored from it, and the service starts again."""
        memory = copy.deepcopy(self._backup)
        for name in ("sessions", "calls", "inbox", "leases", "idempotency"):
            setattr(self.storage.memory, name, getattr(memory, name))
        for proxy in (self.storage.inbox, self.storage.leases, self.storage.idempotency):
            name = {
                id(self.storage.inbox): "inbox",
                id(self.storage.leases): "leases",
                id(self.storage.idempotency): "idempotency",
            }[id(proxy)]
            proxy._target = getattr(self.storage.memory, name)  # type: ignore[union-attr]
        self.restarts()

    def restarts(self) -> None:
        """The service starts again: what it had in memory is gone."""
        self.reconcile = self.new_reconcile()

    def next_dispatch_is_late(self) -> None:
        """The next CreateDispatch times out, and is carried out some seconds later."""
        self.livekit.fail("create", Fault.TIMED_OUT_LATE)
        self._catches_up_at = self.clock.now() + CATCHES_UP

    async def asks(self, what: str, room: str) -> None:
        """A caller starts or ends a session."""
        with suppress(DomainError):
            match what:
                case "post":
                    await self.start(room_name=room)
                case "post other":
                    await self.start(room_name=room, agent_name=OTHER)
                case _:
                    await self.end(room)
        self.observes()

    async def crashes(self, room: str, after: int) -> None:
        """A process dies some steps after it was asked for a session."""
        outcomes = await self.steps.run([self.start(room_name=room)], [0] * after + [-1])
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(
                outcome, DomainError | Crashed
            ):
                raise outcome
        await self.ledger.settled()
        self.ledger._recorded.clear()
        self.observes()

    # Time goes on

    async def passes(self, duration: timedelta) -> None:
        """So much time passes, in which the service and LiveKit go on."""
        end = self.clock.now() + duration
        while self.clock.now() < end:
            self.clock.advance(STEP)
            self._livekit_goes_on()
            for due, event in list(self._late):
                if due <= self.clock.now():
                    self._late.remove((due, event))
                    await self.hears(event)
            await self._works()
            self.observes()
            self._never_two_for_long()

    async def _works(self) -> None:
        pending, self.told = self.told, []
        for event in pending:
            match self.hearing:
                case "at once":
                    await self.hears(event)
                case "twice":
                    await self.hears(event, event)
                case "late":
                    self._late.append((self.clock.now() + timedelta(seconds=15), event))
        await self.works_off()
        if self.clock.now() >= self._reconciles_at:
            self._reconciles_at = self.clock.now() + INTERVAL
            try:
                done = await self.looks()
            except DomainError:
                return
            for defect in done.defects:
                raise defect

    def _livekit_goes_on(self) -> None:
        now = self.clock.now()
        if self._catches_up_at is not None and now >= self._catches_up_at:
            self._catches_up_at = None
            self.livekit.catch_up()
        self.observes()
        for due, dispatch, identity in list(self._lag_ends):
            if due <= now:
                self._lag_ends.remove((due, dispatch, identity))
                dispatch.agent = identity
        for job in list(self.jobs):
            if now >= job.joins_at:
                self.jobs.remove(job)
                self._joins(job)
        for room, live in list(self.livekit.open.items()):
            if any(one.is_person for one in live.people.values()):
                self._had_people.add(live.sid)
                self._empty_since.pop(live.sid, None)
                continue
            since = self._empty_since.setdefault(live.sid, now)
            if now - since >= (DEPARTURE if live.sid in self._had_people else EMPTY):
                self.livekit.closes(room)
        self.observes()

    def _joins(self, job: Job) -> None:
        if not self.deaf:
            live = self.livekit.open.get(job.room)
            if live is None or job.dispatch.id not in live.dispatches:
                return
        live = self.livekit.opens(job.room)
        live.people[job.identity] = Participant(
            job.identity,
            ParticipantKind.AGENT,
            job.dispatch.agent_name,
            joined_at=self._livekits_now(),
        )

    def observes(self) -> None:
        """Workers take new dispatches; LiveKit tells of whoever came and went."""
        now = self.clock.now()
        for room, live in self.livekit.open.items():
            for dispatch in live.dispatches.values():
                if dispatch.id in self._dispatches:
                    continue
                self._dispatches.add(dispatch.id)
                if self.livekit.told(dispatch).session_id is not None:
                    self.ours.add(f"agent-{dispatch.id}")
                if self.delay is not None:
                    identity = f"agent-{dispatch.id}"
                    self.jobs.append(Job(room, identity, now + self.delay, dispatch))
                    self._lag_ends.append((now + self.lag, dispatch, identity))
        there = {
            (live.sid, one.identity): one
            for live in self.livekit.open.values()
            for one in live.people.values()
        }
        names = {live.sid: name for name, live in self.livekit.open.items()}
        gone = self._rooms | names
        for (sid, identity), one in self._there.items():
            if there.get((sid, identity)) is not one:
                self._emits(EventKind.PARTICIPANT_LEFT, gone[sid], sid, one)
        for sid, name in self._rooms.items():
            if sid not in names:
                self._emits(EventKind.ROOM_FINISHED, name, sid)
        for (sid, identity), one in there.items():
            if self._there.get((sid, identity)) is not one:
                self._emits(EventKind.PARTICIPANT_JOINED, names[sid], sid, one)
        self._there, self._rooms = there, names

    def _emits(
        self, kind: EventKind, room: str, sid: str, participant: Participant | None = None
    ) -> None:
        self.emits(kind, room, sid, self._livekits_now(), participant)

    def _livekits_now(self) -> datetime:
        return self.clock.now() + self.livekit_ahead

    # What must hold

    def agents_in(self, room: str) -> list[str]:
        """The identities of the agents of ours in the room."""
        live = self.livekit.open.get(room)
        return [
            one.identity
            for one in (live.people.values() if live else ())
            if one.kind is ParticipantKind.AGENT
        ]

    def _never_two_for_long(self) -> None:
        now = self.clock.now()
        honest = self.livekit.down is None and not self.livekit.lies
        for room in self.livekit.open:
            # Without a session it is another program's room.
            ours = bool(self.storage.live_in(room))
            if len(self.agents_in(room)) < 2 or not honest or not ours:
                self._two_since.pop(room, None)
                continue
            since = self._two_since.setdefault(room, now)
            assert now - since <= 2 * INTERVAL, f"two agents for {now - since}"
