"""Any history of callers, agents and rooms x any order, repetition and loss of what LiveKit tells
of them x crashes and faults at any step: the ledger ends up true, with one agent on each call.

Only here do webhooks come in any order, doubled and lost, beside every step of the use cases, with
a strict promise. A history is a list of phases. Within a phase what happens, what is heard and what
the service does interleave step by step; between phases time passes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from domain.calls.call import Call, CallStatus
from domain.inbox.entry import InboxStatus
from domain.inbox.webhook_verifier import WebhookEvent
from domain.rooms.sip_leg import LegStatus
from domain.sessions.session_status import SessionStatus
from domain.shared.errors import DomainError
from domain.shared.identifiers import CallId
from tests.examples import examples
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.steps import Crashed
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import World

ROOMS = ["one", "two"]
CALLERS = ["sip_1", "sip_2"]
OPERATIONS = ["create", "list", "delete_dispatch", "find", "participants", "list_rooms"]
FAULTS = [fault for fault in Fault if fault is not Fault.TIMED_OUT_LATE]
HAPPENINGS = [
    "joins",
    "joins",
    "rings",
    "answers",
    "leaves",
    "agents join",
    "agents leave",
    "closes",
]
HEARINGS = ["hears", "hears", "hears", "hears again", "loses"]
WORK = ["works off", "works off", "looks", "watches", "starts", "starts elsewhere", "ends"]


@attrs.frozen
class Step:
    """One thing: ``which`` chooses the caller, or which of the events."""

    what: str
    room: str
    which: int


@attrs.frozen
class Phase:
    """What goes on at the same time, and how long it is quiet after."""

    steps: list[Step]
    faults: list[tuple[str, Fault]]
    choices: list[int]
    then: int


steps = st.builds(
    Step,
    what=st.sampled_from(HAPPENINGS) | st.sampled_from(HEARINGS) | st.sampled_from(WORK),
    room=st.sampled_from(["one", "one", "two"]),
    which=st.integers(0, 5),
)
phases = st.builds(
    Phase,
    steps=st.lists(steps, min_size=1, max_size=6),
    faults=st.just([])
    | st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(FAULTS)), max_size=3),
    choices=st.lists(st.integers(0, 3) | st.just(-1), max_size=30),
    then=st.sampled_from([0, 0, 1, 3, 7, 11, 16]),
)


class Scenario:
    """A world in which events wait to be heard."""

    def __init__(self) -> None:
        self.world = PhoneWorld()
        self.heard: list[WebhookEvent] = []
        self.acknowledged: set[str] = set()
        self.lost: set[str] = set()
        self.ended: set[CallId] = set()

    def do(self, step: Step) -> Coroutine[Any, Any, Any]:
        """``step`` as something that can be driven."""
        world, room, which = self.world, step.room, step.which
        caller = CALLERS[which % len(CALLERS)]
        does: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "works off": world.works_off,
            "looks": world.looks,
            "watches": world.watches,
            "starts": lambda: world.start(room_name=room),
            "starts elsewhere": lambda: World(beside=world).start(room_name=room),
            "ends": lambda: world.end(room),
            "hears": lambda: self._hears(self._waiting(which)),
            "hears again": lambda: self._hears(
                self.heard[which % len(self.heard)] if self.heard else None
            ),
            "loses": lambda: self._loses(self._waiting(which)),
        }
        happens: dict[str, Callable[[], object]] = {
            "joins": lambda: world.joins(caller, room),
            "rings": lambda: world.joins(caller, room, LegStatus.RINGING),
            "answers": lambda: self._answers(caller, room),
            "leaves": lambda: world.leaves(caller, room),
            "agents join": lambda: self._agents(room, join=True),
            "agents leave": lambda: self._agents(room, join=False),
            "closes": lambda: world.closes(room),
        }
        return does[step.what]() if step.what in does else self._happens(happens[step.what])

    def _answers(self, caller: str, room: str) -> None:
        if room in self.world.livekit.open and caller in self.world.livekit.open[room].people:
            self.world.answers(caller, room)

    def _agents(self, room: str, *, join: bool) -> None:
        if room in self.world.livekit.open:
            if join:
                self.world.agents_join(room)
            else:
                self.world.agents_leave(room)

    @staticmethod
    async def _happens(thing: Callable[[], object]) -> None:
        thing()

    def _waiting(self, which: int) -> WebhookEvent | None:
        waiting = [
            event
            for event in self.world.told
            if event not in self.heard and event.id not in self.lost
        ]
        return waiting[which % len(waiting)] if waiting else None

    async def _hears(self, event: WebhookEvent | None) -> None:
        if event is not None:
            self.heard.append(event)
            await self.world.hears(event)
            self.acknowledged.add(event.id)

    async def _loses(self, event: WebhookEvent | None) -> None:
        if event is not None:
            self.lost.add(event.id)

    def at_every_step(self) -> None:
        """What must never be seen, not even for a moment."""
        for room in ROOMS:
            assert len(self.world.livekit.expected(room)) <= 1, "two agents"
            assert len(self.world.storage.live_in(room)) <= 1, "two live sessions"
        for call in self.world.storage.calls:
            assert not (call.is_live and call.id in self.ended), "a call came back to life"
            if not call.is_live:
                self.ended.add(call.id)

    async def run(self, phase: Phase) -> None:
        for operation, fault in phase.faults:
            self.world.livekit.fail(operation, fault)
        outcomes = await self.world.steps.run(
            [self.do(step) for step in phase.steps], phase.choices, after_each=self.at_every_step
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(
                outcome, DomainError | Crashed
            ):
                raise outcome
        self.world.livekit.recover()
        self.world.clock.advance(timedelta(seconds=phase.then))

    async def settle(self, *, hear_the_rest: bool) -> None:
        if hear_the_rest:
            for event in reversed(self.world.told):
                if event.id not in self.lost:
                    await self._hears(event)
        await self.world.settles()
        self.at_every_step()

    async def ledger_is_true(self) -> None:
        world = self.world
        for leg in world.stays:
            if world.is_there(leg):
                self._is_served(world.call(leg), world.status(leg))
            elif world.known(leg):
                assert not world.call(leg).is_live, "a call of somebody who has gone"
        for call in world.storage.calls:
            assert call.leg in world.stays, "a call of nobody"
        for room in ROOMS:
            for session in world.storage.live_in(room):
                assert not session.claim.is_held(world.clock.now())
                if session.room_sid is not None or session.dispatch_id is not None:
                    assert room in world.livekit.open, "a session in a room that is no more"
                    assert session.room_sid in (None, world.livekit.open[room].sid)
        entries = {entry.event.id: entry for entry in await world.inbox.list(None, 10_000)}
        assert self.acknowledged <= entries.keys(), "an acknowledged event is lost"
        assert {entry.status for entry in entries.values()} <= {InboxStatus.HANDLED}

    def _is_served(self, call: Call, status: LegStatus | None) -> None:
        assert call.is_live, "the caller is there"
        assert call.session_id is not None
        (session,) = self.world.storage.live_in(call.parties.room_name)
        # A session learns its room instance with its agent, which may have been replaced just now.
        is_expected = session.status is SessionStatus.AGENT_DISPATCHED
        assert session.room_sid == call.room_sid or (is_expected and session.room_sid is None)
        assert len(self.world.livekit.expected(call.parties.room_name)) == 1, "no agent"
        if status is LegStatus.ACTIVE:
            assert call.status is CallStatus.ACTIVE
        else:
            assert call.status is CallStatus.RINGING


@examples(200)
@given(st.lists(phases, min_size=1, max_size=6), st.booleans())
def test_whatever_happens_and_whatever_is_heard_the_ledger_ends_up_true(
    history: list[Phase],
    hear_the_rest: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    async def live() -> None:
        scenario = Scenario()
        for phase in history:
            await scenario.run(phase)
        await scenario.settle(hear_the_rest=hear_the_rest)
        await scenario.ledger_is_true()

    asyncio.run(live())


@examples(100)
@given(st.lists(phases, min_size=1, max_size=5), st.permutations(range(12)), st.data())
def test_given_every_event_is_heard_then_every_call_is_known_in_any_order(
    history: list[Phase], order: list[int], data: st.DataObject
) -> None:
    """Without the reconciler: what webhooks tell is enough, in any order and however often."""

    async def live() -> None:
        scenario = Scenario()
        for phase in history:
            quiet = [step for step in phase.steps if step.what in HAPPENINGS]
            if quiet:
                await scenario.run(attrs.evolve(phase, steps=quiet, faults=[]))
        world = scenario.world
        told = sorted(world.told, key=lambda event: order[int(event.body) % 12])
        twice = data.draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
        for event in [*told, *twice]:
            await world.hears(event)
        for _ in range(4):
            world.clock.advance(timedelta(seconds=16))
            await world.works_off()
        for leg in world.stays:
            assert world.known(leg)
            assert world.call(leg).is_live is world.is_there(leg)

    asyncio.run(live())
