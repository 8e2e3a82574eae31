"""However tokens are fetched, kept, used and abandoned, people have one agent and an unused none.

Here agents are dispatched on join. Tokens are used within their time, by several tabs, after the
session that they were made for; rooms are opened by whoever comes first, and events and LiveKit
fail as in test_any_fault. (A ledger that is restored has lost the sessions of valid tokens.)
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.rooms.token_options import TOKEN_TTL
from domain.sessions.extend_wait import JOIN_GRACE
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import DomainError
from tests.unit.reconciliation.test_any_fault import FAULTS, Event, all_is_well, happens
from tests.unit.worlds.telephony import INTERVAL
from tests.unit.worlds.unruly import OTHER, UnrulyWorld
from tests.unit.worlds.world import AGENT, LEASE

FETCHES: Final = ["fetches", "fetches other", "fetches anew", "fetches", "fetch crashes"]
USES: Final = ["uses", "uses", "uses", "uses the oldest", "reloads", "second tab"]
OTHERS: Final = ["goes", "goes", "agents die", "closes", "somebody dispatches", "end"]
OTHERS_POST: Final = ["post", "post other"]
TROUBLE: Final = [fault for fault in FAULTS if fault not in ("restore", "backup", "crash")]

events = st.builds(
    Event,
    what=st.sampled_from(FETCHES)
    | st.sampled_from(USES)
    | st.sampled_from(OTHERS + OTHERS_POST)
    | st.sampled_from(TROUBLE),
    room=st.sampled_from(["one", "one", "two"]),
    detail=st.integers(0, 12),
    then=st.sampled_from([0, 2.5, 5, 10, 25, 70, 400]),
)


@attrs.frozen
class Token:
    """A user's token, which opens a room until its end."""

    room: str
    identity: str
    ends_at: datetime


class Users:
    """What users do with their tokens."""

    def __init__(self, world: UnrulyWorld) -> None:
        self.world = world
        self.tokens: list[Token] = []
        self.rooms = {"one", "two"}

    async def do(self, event: Event) -> None:
        room = event.room
        match event.what:
            case "fetches":
                await self.fetches(room)
            case "fetches other":
                await self.fetches(room, OTHER)
            case "fetches anew":
                await self.fetches(None)
            case "fetch crashes":
                await self.fetch_crashes(room, event.detail)
            case "uses" | "uses the oldest":
                self.uses(room, oldest=event.what != "uses")
            case "reloads":
                self.world.goes(room)
                await self.fetches(room)
                self.uses(room)
            case "second tab":
                self.uses(room)
                self.uses(room)
            case _:
                await happens(self.world, event)

    async def fetches(self, room: str | None, agent_name: str = AGENT) -> None:
        with suppress(DomainError):
            started = await self.world.start(
                "user-1", room, dispatch="on_join", agent_name=agent_name
            )
            room = str(started.session.room_name)
            self.rooms.add(room)
            ends_at = self.world.clock.now() + TOKEN_TTL
            self.tokens.append(Token(room, str(started.identity), ends_at))

    async def fetch_crashes(self, room: str, after: int) -> None:
        command = StartSessionCommand("user-1", room, access=SYSTEM, dispatch="on_join")
        start = self.world.start_session(command)
        await self.world.steps.run([start], [0] * after + [-1])

    def uses(self, room: str, *, oldest: bool = False) -> None:
        """Join a room, or one that was generated, by a token that is still valid."""
        now = self.world.clock.now()
        valid = [token for token in self.tokens if now < token.ends_at]
        wanted = [token for token in valid if token.room == room] or valid
        if wanted:
            token = wanted[0 if oldest else -1]
            self.world.comes(token.room, token.identity)


async def check(history: list[Event]) -> None:
    world = UnrulyWorld()
    users = Users(world)
    for event in history:
        await users.do(event)
        await world.passes(timedelta(seconds=event.then))
    all_is_well(world)
    world.delay, world.lag, world.hearing = timedelta(), timedelta(), "at once"
    await world.passes(timedelta(seconds=240))
    for room in users.rooms:
        people_have_one_agent(world, room)
    for room in users.rooms:
        world.goes(room)
    await world.passes(TOKEN_TTL + JOIN_GRACE + LEASE + 2 * INTERVAL)
    for room in users.rooms:
        assert not world.storage.live_in(room), "it waits for a user beyond its tokens' end"
        assert room not in world.livekit.open


def people_have_one_agent(world: UnrulyWorld, room: str) -> None:
    live = world.livekit.open.get(room)
    people = [one for one in live.people.values() if one.is_person] if live else []
    newest = world.storage.newest_in(room)
    agents = world.agents_in(room)
    if not people:
        unused = newest is not None and newest.is_unused
        assert not (unused and agents), "an agent for a session that no user has joined"
        return
    assert newest is not None, "a token opened a room that the ledger does not know"
    if newest.end_reason is EndReason.ENDED_BY_CALLER:
        return
    assert newest.status is SessionStatus.ACTIVE, "a person waits for an agent"
    assert len(agents) == 1
    assert newest.agent_identity in (None, *agents)


def story(*whats: str | tuple[str, float], detail: int = 0) -> list[Event]:
    """These events in room one; a number after one is how many seconds pass."""
    pairs = [(each, 0.0) if isinstance(each, str) else each for each in whats]
    return [Event(what, then=then, detail=detail) for what, then in pairs]


ABANDONED = story("fetches anew", ("fetches", 400))
USED_AGAIN_AFTER_ITS_SESSION = story("fetches", ("uses", 25), ("goes", 70), "uses the oldest")
EVENTS_ARE_LOST = story("webhooks are lost", "fetches", ("uses", 25), ("goes", 70), "uses")
AN_EMPTY_LIST_WHEN_IT_EXPIRES = story(
    "webhooks are lost", ("fetches", 400), ("livekit lies", 70), ("uses", 400), "livekit answers"
)
A_PERSON_CAME_FIRST = story("fetches anew", ("uses", 10), "fetches", "uses")


@settings(max_examples=250, deadline=None)
@given(st.lists(events, min_size=1, max_size=10))
@example(ABANDONED)
@example(USED_AGAIN_AFTER_ITS_SESSION)
@example(EVENTS_ARE_LOST)
@example(AN_EMPTY_LIST_WHEN_IT_EXPIRES)
@example(A_PERSON_CAME_FIRST)
def test_however_tokens_are_used_people_have_one_agent_and_unused_sessions_none(
    history: list[Event],
) -> None:
    asyncio.run(check(history))


def test_an_agent_that_does_not_come_is_noticed() -> None:
    """The property can fail."""

    async def program() -> None:
        world = UnrulyWorld()
        world.reconcile = world.new_reconcile(budget=0)
        world.hearing = "never"
        users = Users(world)
        await users.do(Event("fetches"))
        await users.do(Event("uses"))
        await world.passes(4 * INTERVAL)
        people_have_one_agent(world, "one")

    with pytest.raises(AssertionError, match="waits for an agent"):
        asyncio.run(program())
