"""Any history of requests, faults, crashes, agents and closing rooms ends in one agent a room.

Only here do starts, ends and agents interleave in every step of the use cases, with a strict
promise: exactly one agent. test_any_calls has callers, test_any_fault a LiveKit that lies.

A history is a list of phases. Within a phase requests and what happens in the world interleave
step by step; between phases time passes. (A request that outlives its lease without crashing, and
a dispatch that LiveKit makes long after it was asked, have tests of their own.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import DomainError
from domain.shared.identifiers import SessionId
from tests.examples import examples
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.steps import Crashed
from tests.unit.worlds.world import JOIN, World

ROOMS = ["one", "two"]
OPERATIONS = ["create", "list", "delete_dispatch", "find", "participants", "delete_room"]
ACTIONS = [
    "start",
    "start",
    "start elsewhere",
    "end",
    "agents join",
    "agents leave",
    "room closes",
    "room opens",
]
FAULTS = [fault for fault in Fault if fault is not Fault.TIMED_OUT_LATE]


@attrs.frozen
class Phase:
    """What goes on at the same time, and how long it is quiet after."""

    actions: list[tuple[str, str]]
    faults: list[tuple[str, Fault]]
    choices: list[int]
    then: int


def hidden(fault: Fault) -> list[tuple[str, Fault]]:
    """A dispatch is made, its answer is lost, and so is the answer about it."""
    return [("create", Fault.TIMED_OUT_AFTER), ("list", fault)]


faults = st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(FAULTS))
phases = st.builds(
    Phase,
    actions=st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.sampled_from(["one", "one", "two"])),
        min_size=1,
        max_size=3,
    ),
    faults=st.just([]) | st.lists(faults, max_size=3) | st.builds(hidden, st.sampled_from(FAULTS)),
    choices=st.lists(st.integers(0, 2) | st.just(-1), max_size=25),
    then=st.sampled_from([0, 1, 11, 16]),
)


def action(world: World, what: str, room: str) -> Coroutine[Any, Any, Any]:
    async def happens() -> None:
        {
            "agents join": world.livekit.agents_join,
            "agents leave": world.livekit.agents_leave,
            "room closes": world.livekit.closes,
            "room opens": world.livekit.opens,
        }[what](room)

    if what == "start":
        return world.start(room_name=room)
    if what == "start elsewhere":
        return World(beside=world).start(room_name=room)
    return world.end(room) if what == "end" else happens()


def at_every_step(world: World) -> None:
    for room in ROOMS:
        assert len(world.dispatches(room)) <= 1, "two agents"
        assert len(world.storage.live_in(room)) <= 1


def life_is_consistent(history: list[Session]) -> None:
    ends: dict[SessionId, tuple[object, object]] = {}
    for session in history:
        end = session.ended_at, session.end_reason
        if session.is_live:
            # Its room is held for a moment, so that none begins there while it is deleted again.
            assert session.id not in ends or session.claim.holder is not None
        else:
            assert ends.setdefault(session.id, end) == end, "changed after its end"
        has_ended = not session.is_live or session.only_holds_room
        assert has_ended is (session.end_reason is not None)


def no_agent_without_a_session(world: World) -> None:
    for room in ROOMS:
        live = {str(s.id) for s in world.storage.live_in(room)}
        for dispatch in world.dispatches(room):
            told = world.livekit.told(dispatch).session_id
            assert told in live, "the agent of a session that has ended"


async def run(world: World, phase: Phase) -> None:
    for operation, fault in phase.faults:
        world.livekit.fail(operation, fault)
    outcomes = await world.steps.run(
        [action(world, *each) for each in phase.actions],
        phase.choices,
        after_each=lambda: at_every_step(world),
    )
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, DomainError | Crashed):
            raise outcome
    no_agent_without_a_session(world)
    world.livekit.recover()
    world.clock.advance(timedelta(seconds=phase.then))


async def one_agent(world: World, room: str) -> None:
    """One more start: its answer, the ledger and LiveKit tell the same."""
    started = await world.start(room_name=room)
    (live,) = world.storage.live_in(room)
    assert started.session == live
    assert live.agent_dispatched
    assert [d.id for d in world.dispatches(room)] == [live.dispatch_id]


async def check(history: list[Phase]) -> None:
    world = World()
    for phase in history:
        await run(world, phase)
    for room in ROOMS:
        await one_agent(world, room)
    # An agent that came and left unseen may pass for one that a worker is still starting.
    world.clock.advance(JOIN)
    for room in ROOMS:
        await one_agent(world, room)
        assert len(world.livekit.expected(room)) == 1, "it has left, and no other was dispatched"
    life_is_consistent(world.storage.history)
    for room in ROOMS:
        await world.end(room)
        assert room not in world.livekit.open
        assert world.session(room).end_reason is EndReason.ENDED_BY_CALLER


def phase(*actions: str, then: int = 0, **given: Any) -> Phase:
    """These actions in room one."""
    plain: dict[str, Any] = {"faults": [], "choices": []}
    return Phase([(what, "one") for what in actions], then=then, **plain | given)


SEEN = [phase("start"), phase("agents join"), phase("start"), phase("agents leave")]
AN_ANSWER_IS_LOST = [
    phase("start", faults=hidden(Fault.UNREACHABLE)),
    phase("agents join"),
]
THE_ROOM_CLOSES_BEFORE_THE_SECOND_DISPATCH = [
    *SEEN,
    phase("start", "room closes", choices=[0] * 11 + [1]),
]
A_CRASH_BEFORE_THE_SECOND_DISPATCH_IS_RECORDED = [
    *SEEN,
    phase("start", choices=[0] * 14 + [~0], then=16),
    phase("agents join"),
]


@examples(250)
@given(st.lists(phases, min_size=1, max_size=6))
@example(AN_ANSWER_IS_LOST)
@example(THE_ROOM_CLOSES_BEFORE_THE_SECOND_DISPATCH)
@example(A_CRASH_BEFORE_THE_SECOND_DISPATCH_IS_RECORDED)
def test_any_history_ends_with_one_agent_in_each_room(history: list[Phase]) -> None:
    asyncio.run(check(history))
