"""Any history of one caller's repetitions brings one session and one agent for each key.

Only here is the idempotency key among what interleaves; test_any_history has requests without one.

Several attempts interleave step by step, LiveKit fails, processes are killed and connections cut
off at any step, and time passes between them: leases run out, or don't.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.idempotency.idempotent_execution import LEASE
from domain.sessions.start_session import StartSessionCommand
from domain.sessions.start_session_once import IdempotentResponse
from domain.shared.errors import SessionBusy
from domain.shared.idempotency_errors import IdempotencyKeyInFlight
from domain.shared.livekit_errors import LiveKitError
from tests.examples import examples
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.steps import Crashed
from tests.unit.worlds.world import ROOM, World

REQUESTS: Final = {
    "a new room": StartSessionCommand("user-1", access=SYSTEM),
    "a new room too": StartSessionCommand("user-1", access=SYSTEM),
    "a room": StartSessionCommand("user-1", ROOM, access=SYSTEM),
}
OPERATIONS = ["create", "create", "list", "delete_dispatch", "find", "participants"]
FAULTS = [fault for fault in Fault if fault is not Fault.TIMED_OUT_LATE]
EXPECTED: Final = (IdempotencyKeyInFlight, LiveKitError, SessionBusy, Crashed)


@attrs.frozen
class Phase:
    """The keys that are used at the same time, and how long it is quiet after.

    ``killed`` tells what a crash is: a process that is no more, or a connection that was cut off.
    """

    keys: list[str]
    faults: list[tuple[str, Fault]]
    choices: list[int]
    killed: bool
    agents_join: bool
    then: int


phases = st.builds(
    Phase,
    keys=st.lists(st.sampled_from([*REQUESTS]), min_size=1, max_size=3),
    faults=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(FAULTS)), max_size=3),
    choices=st.lists(st.integers(0, 2) | st.just(-1), max_size=30),
    killed=st.booleans(),
    agents_join=st.booleans(),
    then=st.sampled_from([0, 1, 11, 16, 61]),
)


def rooms_of(world: World) -> list[str]:
    return [str(session.room_name) for session in world.storage.history]


def at_every_step(world: World, used: set[str]) -> None:
    """Never a session more than there are keys, and never a second agent."""
    assert len({session.id for session in world.storage.history}) <= len(used)
    for room in rooms_of(world):
        assert len(world.livekit.expected(room)) <= 1, "two agents"
        assert len(world.dispatches(room)) <= 1, "two agents"
    assert set(world.livekit.open) <= set(rooms_of(world)), "an agent in a room of no session"


async def check(history: list[Phase]) -> None:
    world, used = World(), set[str]()
    answers: dict[str, set[str]] = {key: set() for key in REQUESTS}
    for phase in history:
        used.update(phase.keys)
        world.storage.kills = phase.killed
        for operation, fault in phase.faults:
            world.livekit.fail(operation, fault)
        outcomes = await world.steps.run(
            [world.start_once(key, REQUESTS[key]) for key in phase.keys],
            phase.choices,
            after_each=lambda: at_every_step(world, used),
        )
        for key, outcome in zip(phase.keys, outcomes, strict=True):
            if isinstance(outcome, IdempotentResponse):
                answers[key].add(outcome.text)
            elif not isinstance(outcome, EXPECTED):
                raise outcome
        world.livekit.recover()
        for room in rooms_of(world) if phase.agents_join else ():
            world.livekit.agents_join(room)
        world.clock.advance(timedelta(seconds=phase.then))
    world.clock.advance(LEASE)
    for key in used:
        first = await world.start_once(key, REQUESTS[key])
        again = await world.start_once(key, REQUESTS[key])
        at_every_step(world, used)
        assert again.replayed
        assert answers[key] | {first.text, again.text} == {first.text}
    assert len(world.storage.stored) == len(used)


def phase(*keys: str, **given: Any) -> Phase:
    plain: dict[str, Any] = {"faults": [], "choices": [], "killed": True, "agents_join": False}
    return Phase([*keys], **plain | {"then": 0} | given)


KILLED_AFTER_LIVEKIT_HAS_DISPATCHED = [
    phase("a new room", choices=[0] * 7 + [~0], then=61),
    phase("a new room"),
]
CUT_OFF_WHILE_LIVEKIT_TIMES_OUT = [
    phase(
        "a new room",
        faults=[("create", Fault.TIMED_OUT_AFTER), ("list", Fault.UNREACHABLE)],
        killed=False,
    ),
    phase("a new room", "a new room", choices=[0, 1] * 15),
]


@examples(250)
@given(st.lists(phases, min_size=1, max_size=5))
@example(KILLED_AFTER_LIVEKIT_HAS_DISPATCHED)
@example(CUT_OFF_WHILE_LIVEKIT_TIMES_OUT)
def test_any_history_of_repetitions_brings_one_session_and_one_agent_for_each_key(
    history: list[Phase],
) -> None:
    asyncio.run(check(history))
