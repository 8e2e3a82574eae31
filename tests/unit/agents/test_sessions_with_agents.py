"""A session keeps the version of a saved agent that it began with, whatever changes later."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM, WORK, Access
from domain.agents.agent import Agent
from domain.rooms.room import Participant, ParticipantKind
from domain.sessions.session import Session
from domain.sessions.start_session import StartedSession, StartSessionCommand
from domain.shared.errors import InvalidInput, MetadataTooLarge, NotFound
from domain.shared.timeline import Source
from tests.unit.worlds.world import AGENT, GRACE, JOIN, ROOM, World

STRANGER = Access(tenant="ben", scopes=WORK, sees_unowned=False)
SUPPORT = {
    "name": "support",
    "agentName": "support-worker",
    "agentConfig": {"prompt": "Help {{name}}.", "engine": {"a": 1, "b": [2]}},
    "variables": {"name": "you"},
}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def agent(world: World) -> Agent:
    return await world.manage_agents.create(SUPPORT, SYSTEM)


async def start(
    world: World, agent: object, room: str | None = ROOM, **command: Any
) -> StartedSession:
    asked = StartSessionCommand("user-1", room, agent=str(agent), **{"access": SYSTEM, **command})
    started = await world.start_session(asked)
    await world.ledger.settled()
    return started


def shown(session: Session) -> tuple[object, ...]:
    return (
        session.id, session.agent_id, session.agent_version, session.agent_name,
        session.agent_config,
    )  # fmt: skip


async def test_given_a_saved_agent_then_its_worker_is_dispatched_with_its_configuration(
    world: World, agent: Agent
) -> None:
    overlay = {"llm": "x/y", "engine": {"a": None, "c": 3}, "tools": ["look_up"]}

    started = await start(world, agent.id, variables={"name": "Ann"}, agent_config=overlay)

    session = started.session
    assert (session.agent_id, session.agent_version) == (agent.id, 1)
    assert session.agent_name == "support-worker"
    (dispatch,) = world.dispatches()
    assert dispatch.agent_name == "support-worker"
    metadata = json.loads(dispatch.metadata)
    assert metadata["prompt"] == "Help Ann."
    assert metadata["engine"] == {"b": [2], "c": 3}
    assert (metadata["llm"], metadata["tools"]) == ("x/y", ["look_up"])


async def test_given_an_agent_without_a_worker_of_its_own_then_the_deployments_is_dispatched(
    world: World,
) -> None:
    agent = await world.manage_agents.create({"name": "plain"}, SYSTEM)

    session = (await start(world, agent.id)).session

    assert session.agent_name == AGENT
    assert session.agent_config.values["tools"] == []


async def test_given_no_saved_agent_then_none_is_looked_for(world: World) -> None:
    started = await world.start()

    assert (started.session.agent_id, started.session.agent_version) == (None, None)
    assert "tools" not in started.session.agent_config.values


async def test_given_another_agent_is_named_when_a_session_is_joined_then_it_keeps_its_own(
    world: World, agent: Agent
) -> None:
    first = await start(world, agent.id)
    other = await world.manage_agents.create({"name": "other"}, SYSTEM)
    await world.manage_agents.change(
        str(agent.id), {"agentConfig": {"prompt": "New."}}, None, SYSTEM
    )

    for joined in (
        await start(world, other.id), await start(world, agent.id), await world.start()
    ):  # fmt: skip
        assert shown(joined.session) == shown(first.session)
    assert len(world.dispatches()) == 1


@pytest.mark.parametrize("change", ["change", "activate", "delete"])
async def test_given_the_agent_changed_when_its_agent_has_left_then_the_same_version_is_dispatched(
    world: World, agent: Agent, change: str
) -> None:
    before = (await start(world, agent.id, variables={"name": "Ann"})).session
    agent_id = str(agent.id)
    new = {"agentName": "new-worker", "agentConfig": {"prompt": "New."}}
    await world.manage_agents.change(agent_id, new, None, SYSTEM)
    if change == "activate":
        await world.manage_agents.activate(agent_id, 1, SYSTEM)
    elif change == "delete":
        await world.manage_agents.delete(agent_id, SYSTEM)
    world.livekit.opens(ROOM).people["user-1"] = Participant("user-1", ParticipantKind.STANDARD)
    world.clock.advance(JOIN + GRACE)  # no worker has taken the dispatch
    presence = await world.find_agent(world.session())

    repaired = await world.keep_agent(world.session(), presence, Source.RECONCILER)

    assert shown(repaired) == shown(before)
    assert {one.agent_name for one in world.dispatches()} == {"support-worker"}
    assert {one.metadata for one in world.dispatches()} == {before.metadata()}


async def test_given_a_configuration_that_was_not_kept_then_only_the_same_version_brings_it(
    world: World, agent: Agent
) -> None:
    started = (await start(world, agent.id)).session
    outline = started.agent_config.outline
    world.storage.stored[started.id] = attrs.evolve(world.session(), agent_config=outline)
    await world.manage_agents.change(
        str(agent.id), {"agentConfig": {"prompt": "New."}}, None, SYSTEM
    )
    world.clock.advance(JOIN + GRACE)

    again = (await start(world, agent.id)).session
    assert again.agent_config == outline

    world.clock.advance(timedelta(hours=1))
    same = (await start(world, f"{agent.id}@1")).session
    assert same.agent_config == started.agent_config


@pytest.mark.parametrize(
    ("command", "error", "field"),
    [
        ({"variables": {"city": "x"}}, InvalidInput, "variables.city"),
        ({"variables": {"name": 7}}, InvalidInput, "variables.name"),
        ({"agent_config": {"prompt": "{{city}}"}}, InvalidInput, "agentConfig.prompt"),
        ({"agent_config": {"tools": "look_up"}}, InvalidInput, "agentConfig.tools"),
        ({"agent_config": {"tools": [1]}}, InvalidInput, "agentConfig.tools"),
        ({"agent_config": {"x": "y" * 2**20}}, MetadataTooLarge, "agentConfig"),
        ({"access": STRANGER}, NotFound, "agentId"),
    ],
)
async def test_given_a_refused_request_then_nothing_is_stored_or_dispatched(
    world: World, agent: Agent, command: dict[str, Any], error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as caught:
        await start(world, agent.id, **command)

    assert getattr(caught.value, "details", {})["field"] == field
    assert world.storage.newest_in(ROOM) is None
    assert not world.livekit.open


async def test_given_variables_without_an_agent_then_they_are_refused(world: World) -> None:
    command = StartSessionCommand("user-1", ROOM, access=SYSTEM, variables={"name": "Ann"})

    with pytest.raises(InvalidInput) as caught:
        await world.start_session(command)

    assert caught.value.details["field"] == "variables"


async def test_the_fingerprint_covers_the_agent_the_variables_and_the_overlay(
    world: World, agent: Agent
) -> None:
    plain = StartSessionCommand("user-1", access=SYSTEM)
    base = attrs.evolve(
        plain, agent=str(agent.id), variables={"name": "a", "x": "b"}, agent_config={"a": 1}
    )
    same = attrs.evolve(base, variables={"x": "b", "name": "a"})
    others = [
        plain,
        attrs.evolve(plain, agent=str(agent.id)),
        attrs.evolve(base, agent=f"{agent.id}@1"),
        attrs.evolve(base, variables={"name": "a"}),
        attrs.evolve(base, agent_config={"a": None}),
        attrs.evolve(base, agent_config={"a": 1, "llm": "openai/gpt-4o-mini"}),  # the default
    ]

    found = [world.start_session.fingerprint(command) for command in (base, *others)]

    assert len({*found}) == len(found)
    assert world.start_session.fingerprint(same) == found[0]


STEPS = st.lists(
    st.tuples(st.just("change"), st.sampled_from("abc"))
    | st.tuples(st.just("activate"), st.integers(1, 5))
    | st.tuples(st.just("start"), st.integers(0, 3))
    | st.tuples(st.just("delete"), st.none()),
    max_size=12,
)


@given(STEPS)
async def test_whatever_happens_to_an_agent_then_a_running_session_shows_what_it_began_with(
    steps: list[tuple[str, Any]],
) -> None:
    """What no other test covers: any order of changes, roll-backs, deletions and sessions."""
    world = World()
    agent = await world.manage_agents.create(SUPPORT, SYSTEM)
    agent_id, began = str(agent.id), dict[str, tuple[object, ...]]()
    active, texts = 1, ["Help {{name}}."]
    is_deleted = False
    for what, value in steps:
        if is_deleted and what != "start":
            continue
        if what == "change":
            changed = await world.manage_agents.change(
                agent_id, {"agentName": value, "agentConfig": {"prompt": value}}, None, SYSTEM
            )
            active = changed.version
            if active > len(texts):
                texts.append(value)
        elif what == "activate" and value <= len(texts):
            active = (await world.manage_agents.activate(agent_id, value, SYSTEM)).version
        elif what == "delete":
            await world.manage_agents.delete(agent_id, SYSTEM)
            is_deleted = True
        elif what == "start":
            room = f"room-{value}"
            if is_deleted:
                with pytest.raises(NotFound):
                    await start(world, agent_id, room)
                continue
            session = (await start(world, agent_id, room)).session
            if room not in began:
                assert session.agent_version == active
                expected = texts[active - 1].replace("{{name}}", "you")
                assert session.agent_config.values["prompt"] == expected
            began.setdefault(room, shown(session))

    for room, before in began.items():
        assert shown(world.session(room)) == before
