"""Start a session once, however often its caller asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.access.access import SYSTEM, Access
from domain.agents.agent_config import DEFAULTS
from domain.idempotency.idempotent_execution import LEASE
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import AnsweredSessionEnded, InvalidInput, MetadataTooLarge
from domain.shared.idempotency_errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.steps import Crashed
from tests.unit.worlds.world import ROOM, World

ASKED = {"llm": "x", "deep": {"b": [1, None], "a": 2}}


def asking(
    identity: str = "user-1", room: str | None = None, config: dict[str, Any] | None = None
) -> StartSessionCommand:
    return StartSessionCommand(identity, room, ASKED if config is None else config, access=SYSTEM)


async def test_a_repetition_is_told_the_same_with_a_new_token_and_asks_livekit_nothing() -> None:
    world = World()
    first = await world.start_once()
    asked = len(world.livekit.calls)

    again = await world.start_once()

    (session,) = world.storage.stored.values()
    assert (first.replayed, again.replayed) == (False, True)
    assert first.text == again.text == str(session.id)
    assert again.token == f"user-1 may join {session.room_name} for 600 s"
    assert len(world.livekit.calls) == asked


@pytest.mark.parametrize(
    "same",
    [
        asking(" user-1 "),
        asking(room=" "),
        asking(config={"deep": {"a": 2, "b": [1, None]}, "llm": "x"}),
        asking(config={**ASKED, "stt": None, "greeting": None}),
        asking(config={**ASKED, "prompt": DEFAULTS["prompt"], "realtime": False}),
    ],
)
async def test_the_same_request_may_be_written_otherwise(same: StartSessionCommand) -> None:
    world = World()
    await world.start_once(command=asking())

    assert (await world.start_once(command=same)).replayed


@pytest.mark.parametrize(
    "other",
    [
        asking("user-2"),
        asking(room=ROOM),
        asking(config={}),
        asking(config={**ASKED, "own": None}),
        asking(config={**ASKED, "realtime": True}),
        asking(config={**ASKED, "deep": {"b": [None, 1], "a": 2}}),
    ],
)
async def test_another_request_is_told_from_it(other: StartSessionCommand) -> None:
    world = World()
    await world.start_once(command=asking())

    with pytest.raises(IdempotencyKeyReused):
        await world.start_once(command=other)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (asking("not a name"), InvalidInput),
        (asking(room="not a name"), InvalidInput),
        (asking(config={"realtime": 1}), InvalidInput),
        (asking(config={"prompt": "x" * 70_000}), MetadataTooLarge),
    ],
)
async def test_a_request_that_is_refused_may_be_put_right_under_the_same_key(
    wrong: StartSessionCommand, error: type[Exception]
) -> None:
    world = World()
    with pytest.raises(error):
        await world.start_once(command=wrong)

    assert not (await world.start_once(command=asking())).replayed


async def test_no_token_is_given_for_a_session_that_has_ended_since() -> None:
    world = World()
    await world.start_once(command=asking(room=ROOM))
    await world.end()
    await world.start("user-2")  # a session of somebody else's in a room of that name

    with pytest.raises(AnsweredSessionEnded, match="has ended"):
        await world.start_once(command=asking(room=ROOM))

    assert len(world.dispatches()) == 1


@pytest.mark.parametrize("room", [None, " ", ROOM])
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.name.startswith("TIMED_OUT")])
async def test_after_a_time_out_the_same_request_takes_up_what_was_begun(
    room: str | None, fault: Fault
) -> None:
    world = World()
    world.livekit.fail("create", fault)
    world.livekit.fail("list", Fault.UNREACHABLE)
    with pytest.raises(LiveKitError):
        await world.start_once(command=asking(room=room))
    with pytest.raises(IdempotencyKeyReused):  # an agent may have come for the first request
        await world.start_once(command=asking("user-2", room))
    world.livekit.catch_up()

    taken_up = await world.start_once(command=asking(room=room))

    (session,) = world.storage.stored.values()
    assert (taken_up.text, taken_up.replayed) == (str(session.id), False)
    assert len(world.dispatches(str(session.room_name))) == 1


async def test_of_two_tenants_with_one_key_each_has_a_session_and_a_room() -> None:
    world = World()
    for tenant in ("ann", "ben"):
        command = StartSessionCommand("user-1", access=Access(tenant=tenant))
        assert not (await world.start_once(command=command)).replayed

    assert len({session.room_name for session in world.storage.stored.values()}) == 2


async def test_a_process_that_dies_at_any_step_is_followed_when_its_lease_is_over() -> None:
    in_flight = 0
    for steps in range(60):
        world = World()
        world.storage.kills = True
        (outcome,) = await world.steps.run([world.start_once()], [0] * steps + [~0])
        try:
            await world.start_once()
        except IdempotencyKeyInFlight:
            in_flight += 1
        world.clock.advance(LEASE)

        await world.start_once()

        (session,) = world.storage.stored.values()
        assert len(world.dispatches(str(session.room_name))) == 1, steps
        if not isinstance(outcome, Crashed):
            assert in_flight > 5, "it was hardly crashed at all"
            return
    pytest.fail("more steps than expected: some were not tried")
