"""However tokens are fetched, kept, used and abandoned, people have one agent and an unused none.

Here agents are dispatched on join. Tokens come from POST /session and from the standard token
endpoint, without a key, with a publishable key (also for a saved agent) and with tickets, which are
used again and after they have expired. Tokens are used within their time, by several tabs, after
the session that they were made for; strangers may be the first in a room, with
tokens of another program, and events and LiveKit fail as in test_any_fault. (A ledger that is
restored has lost the sessions of valid tokens.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.access.access import SYSTEM, WORK, Access
from domain.access.client_grant import ClientGrant
from domain.rooms.token_options import TOKEN_TTL
from domain.sessions.extend_wait import JOIN_GRACE
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.start_session import StartedSession, StartSessionCommand
from domain.shared.errors import DomainError
from tests.examples import examples
from tests.unit.reconciliation.test_any_fault import FAULTS, Event, all_is_well, happens
from tests.unit.worlds.telephony import INTERVAL
from tests.unit.worlds.tokens import TokenEndpoint
from tests.unit.worlds.unruly import OTHER, UnrulyWorld
from tests.unit.worlds.world import AGENT, LEASE

ANN: Final = Access(tenant="ann", scopes=WORK, sees_unowned=False)
STRANGER: Final = "stranger"
LATEST: Final = "latest"
"""The latest room whose name was generated, or room one."""

FETCHES: Final = ["fetches", "fetches other", "fetches anew", "fetches", "fetch crashes"]
KEYED: Final = [
    "asks the endpoint",
    "by publishable key",
    "by key for a saved agent",
    "by new ticket",
    "by ticket for the room",
    "by last ticket",
    "by last ticket",
    "by oldest ticket",
    "by ticket, and crashes",
]
USES: Final = ["uses", "uses", "uses", "uses the oldest", "reloads", "second tab"]
OTHERS: Final = [
    "goes",
    "goes",
    "stranger comes",
    "agents die",
    "closes",
    "somebody dispatches",
    "end",
]
OTHERS_POST: Final = ["post", "post other"]
TROUBLE: Final = [fault for fault in FAULTS if fault not in ("restore", "backup", "crash")]

events = st.builds(
    Event,
    what=st.sampled_from(FETCHES)
    | st.sampled_from(KEYED)
    | st.sampled_from(USES)
    | st.sampled_from(OTHERS + OTHERS_POST)
    | st.sampled_from(TROUBLE),
    room=st.sampled_from(["one", "one", "two", LATEST, LATEST]),
    detail=st.integers(0, 12),
    then=st.sampled_from([0, 2.5, 5, 10, 25, 70, 400]),
)


@attrs.frozen
class Token:
    """A user's token, which opens a room until its end."""

    room: str
    identity: str
    ends_at: datetime


@attrs.define
class GivenTicket:
    """A ticket's text, how many sessions it may begin, and the rooms that it has opened."""

    text: str
    max_sessions: int
    rooms: set[str] = attrs.field(factory=set)


class Users:
    """What users do with their tokens, and how they get them."""

    def __init__(self, world: UnrulyWorld) -> None:
        self.world = world
        self.endpoint = TokenEndpoint(world)
        self.tokens: list[Token] = []
        self.tickets: list[GivenTicket] = []
        self.rooms = {"one", "two"}
        self.rooms_of_agent: set[str] = set()
        """Rooms that are only known from a key for the saved agent."""
        self.agent_id = ""

    async def do(self, event: Event) -> None:
        if event.room == LATEST:
            event = attrs.evolve(event, room=self.latest_room)
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
            case "stranger comes":
                self.world.comes(room, STRANGER)
            case "uses" | "uses the oldest":
                self.uses(room, oldest=event.what != "uses")
            case "reloads":
                self.world.goes(room)
                await self.fetches(room)
                self.uses(room)
            case "second tab":
                self.uses(room)
                self.uses(room)
            case _ if event.what in KEYED:
                await self.gets_by(event)
            case _:
                await happens(self.world, event)

    async def gets_by(self, event: Event) -> None:
        """Fetch from the standard token endpoint."""
        match event.what:
            case "asks the endpoint":
                await self.gets(self.endpoint.fetches(room_name=event.room))
            case "by publishable key":
                await self.gets(self.endpoint.fetches(ClientGrant(access=ANN, agent_name=AGENT)))
            case "by key for a saved agent":
                await self.by_key_for_a_saved_agent()
            case "by new ticket" | "by ticket for the room":
                await self.makes_ticket(event)
                await self.redeems(self.tickets[-1:])
            case "by last ticket":
                await self.redeems(self.tickets[-1:])
            case "by oldest ticket":
                await self.redeems(self.tickets[:1])
            case "by ticket, and crashes":
                await self.makes_ticket(event)
                fetch = self.endpoint.redeems(self.tickets[-1].text)
                await self.world.steps.run([fetch], [0] * event.detail + [-1])

    @property
    def latest_room(self) -> str:
        rooms = [token.room for token in self.tokens if token.room not in ("one", "two")]
        return rooms[-1] if rooms else "one"

    async def fetches(self, room: str | None, agent_name: str = AGENT) -> None:
        await self.gets(self.world.start("user-1", room, dispatch="on_join", agent_name=agent_name))

    async def gets(self, fetch: Awaitable[StartedSession]) -> str | None:
        """Keep the token of a fetch; return its room, None where the fetch was refused."""
        with suppress(DomainError):
            started = await fetch
            room = str(started.session.room_name)
            self.rooms.add(room)
            ends_at = self.world.clock.now() + TOKEN_TTL
            self.tokens.append(Token(room, str(started.identity), ends_at))
            return room
        return None

    async def by_key_for_a_saved_agent(self) -> None:
        if not self.agent_id:
            agent = {"name": "support", "variables": {"name": "you"}}
            self.agent_id = str((await self.world.manage_agents.create(agent, SYSTEM)).id)
        access = Access(scopes=ANN.scopes, sees_unowned=False)
        grant = ClientGrant(access=access, agent_id=self.agent_id)
        room = await self.gets(self.endpoint.fetches(grant))
        self.rooms_of_agent |= {room} if room else set()

    async def makes_ticket(self, event: Event) -> None:
        most = 1 + event.detail % 3
        room = event.room if event.what == "by ticket for the room" else None
        access = ANN if room is None else SYSTEM
        asked = {"room_name": room, "max_sessions": most, "ttl_seconds": 60 + 10 * event.detail}
        made = await self.endpoint.makes(access, **asked)
        self.tickets.append(GivenTicket(made.text, most))

    async def redeems(self, tickets: list[GivenTicket]) -> None:
        for ticket in tickets:
            room = await self.gets(self.endpoint.redeems(ticket.text))
            ticket.rooms |= {room} if room else set()

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
    for ticket in users.tickets:
        assert len(ticket.rooms) <= ticket.max_sessions
    for session in world.storage.stored.values():
        is_of_a_token = session.join_until is not None  # a POST names its own agent, or none
        if is_of_a_token and str(session.room_name) in users.rooms_of_agent:
            shown = (str(session.agent_id), session.agent_version)
            assert shown == (users.agent_id, 1), "a session has lost its saved agent"
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
    if all(one.identity == STRANGER for one in people) and (newest is None or not newest.is_live):
        return  # no token of ours is used there
    assert newest is not None, "a token opened a room that the ledger does not know"
    if newest.end_reason is EndReason.ENDED_BY_CALLER:
        return
    assert newest.status is SessionStatus.ACTIVE, "a person waits for an agent"
    assert len(agents) == 1
    assert newest.agent_identity in (None, *agents)


def story(*whats: str | tuple[str, float], detail: int = 0, room: str = "one") -> list[Event]:
    """These events in a room; a number after one is how many seconds pass."""
    pairs = [(each, 0.0) if isinstance(each, str) else each for each in whats]
    return [Event(what, room=room, then=then, detail=detail) for what, then in pairs]


ABANDONED = story("fetches anew", ("fetches", 400))
USED_AGAIN_AFTER_ITS_SESSION = story("fetches", ("uses", 25), ("goes", 70), "uses the oldest")
EVENTS_ARE_LOST = story("webhooks are lost", "fetches", ("uses", 25), ("goes", 70), "uses")
AN_EMPTY_LIST_WHEN_IT_EXPIRES = story(
    "webhooks are lost", ("fetches", 400), ("livekit lies", 70), ("uses", 400), "livekit answers"
)
A_PERSON_CAME_FIRST = story("fetches anew", ("uses", 10), "fetches", "uses")
A_STRANGER_CAME_FIRST = story(("stranger comes", 25), "asks the endpoint", "uses")
A_STRANGER_CAME_FIRST_UNHEARD = story(
    "webhooks are lost", ("stranger comes", 25), ("by ticket for the room", 25), "uses"
)
A_TICKET_IS_USED_AGAIN = story(
    "by new ticket", "by last ticket", ("uses", 25), "by last ticket", "second tab",
    ("goes", 25), "by last ticket", detail=6, room=LATEST,
)  # fmt: skip
A_KEY_S_TOKEN_IS_USED_AGAIN = story(
    "by key for a saved agent", ("uses", 25), ("goes", 70), ("uses the oldest", 25), room=LATEST
)
AN_AGENT_REGISTERS_LATE = story(
    "no workers", "by publishable key", ("uses", 70), ("quick workers", 70), room=LATEST
)


@examples(120)
@given(st.lists(events, min_size=1, max_size=10))
@example(ABANDONED)
@example(USED_AGAIN_AFTER_ITS_SESSION)
@example(EVENTS_ARE_LOST)
@example(AN_EMPTY_LIST_WHEN_IT_EXPIRES)
@example(A_PERSON_CAME_FIRST)
@example(A_STRANGER_CAME_FIRST)
@example(A_STRANGER_CAME_FIRST_UNHEARD)
@example(A_TICKET_IS_USED_AGAIN)
@example(A_KEY_S_TOKEN_IS_USED_AGAIN)
@example(AN_AGENT_REGISTERS_LATE)
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
