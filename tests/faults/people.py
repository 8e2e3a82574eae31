"""People who call or come by browser, by the simulator's control routes."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import attrs

from tests.faults.plan import Plan
from tests.simulator import SimulatorProcess

TRIES = 300
KeepPace = Callable[[float], Awaitable[None]]
"""Waits until who comes at a share of the time may come."""
STAY_ON = 0.97
"""From this share of the calls, or users, on everybody stays, and comes once the worst is over."""


@attrs.frozen
class Stay:
    """One caller's stay in one room."""

    room: str
    identity: str
    number: str


class Rooms:
    """The simulator's rooms, as their participants see them."""

    def __init__(self, session: aiohttp.ClientSession, simulator: SimulatorProcess) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{simulator.port}/simulator/rooms"

    async def join(
        self,
        room: str,
        identity: str,
        kind: str,
        attributes: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Join; each try has its own ``attributes``, as one without an answer may have joined."""

        def body() -> object:
            return {"identity": identity, "kind": kind, "attributes": attributes()}

        await self._until_answered("POST", f"{self._base}/{room}/participants", body)

    async def answer(self, room: str, identity: str) -> None:
        url = f"{self._base}/{room}/participants/{identity}"
        active = {"attributes": {"sip.callStatus": "active"}}
        await self._until_answered("PATCH", url, lambda: active)

    async def leave(self, room: str, identity: str) -> None:
        await self._until_answered("DELETE", f"{self._base}/{room}/participants/{identity}")

    async def close(self, room: str) -> None:
        await self._until_answered("DELETE", f"{self._base}/{room}")

    async def agents(self, room: str) -> list[str]:
        url = self._base.removesuffix("/rooms") + f"/state?room={room}"
        rooms = (await self._until_answered("GET", url))["rooms"]
        participants = rooms[0]["participants"] if rooms else []
        return [one["identity"] for one in participants if one.get("kind") == "AGENT"]

    async def _until_answered(
        self, method: str, url: str, body: Callable[[], object] = lambda: None
    ) -> dict[str, Any]:
        """The answer, empty if there is no such room; repeated while LiveKit is down."""
        for _ in range(TRIES):
            try:
                async with self._session.request(method, url, json=body()) as response:
                    if response.status in (204, 404):
                        return {}
                    found: dict[str, Any] = await response.json()
                    return found
            except aiohttp.ClientError:
                await asyncio.sleep(0.25)
        raise AssertionError("the simulator does not answer")


class Callers:
    """They ring up, talk and hang up; the last of them stay on the line."""

    def __init__(self, plan: Plan, calm: asyncio.Event, keep_pace: KeepPace) -> None:
        self.stays: list[Stay] = []
        self._keep_pace = keep_pace
        self._calm = calm
        self._plan = plan
        self._random = random.Random(plan.seed)
        self._ids = itertools.count()

    async def call(self, rooms: Rooms) -> None:
        """All calls, evenly spread over the time of the plan."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._plan.calls):
                await self._keep_pace(number / self._plan.calls)
                stays_on = number >= self._plan.calls * STAY_ON
                group.create_task(self._one(rooms, number, stays_on=stays_on))
                await asyncio.sleep(self._plan.over / self._plan.calls)

    async def _one(self, rooms: Rooms, number: int, *, stays_on: bool) -> None:
        """Every tenth room has a second telephone; every tenth name was used before."""
        if stays_on:
            await self._calm.wait()
        again = number % 10 == 1 and number > self._plan.calls / 10
        first = number - self._plan.calls // 100 * 10 if again else number
        room = f"call-_+1510555{first:04}"
        identity = f"sip_+1510555{number:04}"
        await self._join(rooms, room, identity, f"+1510555{number:04}")
        if number % 10 == 2:
            await self._join(rooms, room, f"{identity}x", f"+1415555{number:04}")
        await asyncio.sleep(self._random.uniform(0.1, 1))
        await rooms.answer(room, identity)
        if stays_on:
            return
        await asyncio.sleep(self._random.uniform(2, 8) * self._plan.slowness)
        if number % 10 == 3:  # the same caller's connection is made anew
            await self._join(rooms, room, identity, f"+1510555{number:04}")
            await asyncio.sleep(self._random.uniform(0.3, 3))
        if number % 3:
            await rooms.leave(room, identity)
            await asyncio.sleep(self._random.uniform(0, 1))
        await rooms.close(room)

    async def _join(self, rooms: Rooms, room: str, identity: str, number: str) -> None:
        def attributes() -> Mapping[str, str]:
            return {
                "sip.phoneNumber": number,
                "sip.trunkPhoneNumber": "+15105550000",
                "sip.callStatus": "ringing",
                "sip.ruleID": "SDR_1",
                "sip.callID": f"SCL_{next(self._ids)}",
            }

        await rooms.join(room, identity, "SIP", attributes)
        self.stays.append(Stay(room, identity, number))


@attrs.define
class Users:
    """They post a session, join its room and leave it; the last of them stay.

    ``urls`` gives the service's addresses; a post that is not answered with 200 is repeated.
    """

    plan: Plan
    urls: Callable[[], list[str]]
    calm: asyncio.Event
    keep_pace: KeepPace
    started: int = attrs.field(default=0, init=False)
    refused: int = attrs.field(default=0, init=False)

    async def come(self, session: aiohttp.ClientSession, rooms: Rooms) -> None:
        """All users, evenly spread over the time of the plan."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.plan.users):
                await self.keep_pace(number / self.plan.users)
                stays_on = number >= self.plan.users * STAY_ON
                group.create_task(self._one(session, rooms, number, stays_on=stays_on))
                await asyncio.sleep(self.plan.over / self.plan.users)

    async def _one(
        self, session: aiohttp.ClientSession, rooms: Rooms, number: int, *, stays_on: bool
    ) -> None:
        """Every fifth agent is killed, every third session ended; every fifth user comes back."""
        if stays_on:
            await self.calm.wait()
        room, identity = f"web-{number}", f"user-{number}"
        await self._post(session, "/session", room, identity)
        await rooms.join(room, identity, "STANDARD")
        if stays_on:
            return
        await asyncio.sleep((3 + number % 7) * self.plan.slowness)
        if number % 5 == 0:
            for agent in await rooms.agents(room):
                await rooms.leave(room, agent)
            await asyncio.sleep(2)
        if number % 3 == 0:
            await self._post(session, "/session/end", room)
        else:
            await rooms.leave(room, identity)
        if number % 5 == 1:
            await self._post(session, "/session", room, identity)
            await rooms.join(room, identity, "STANDARD")
            await asyncio.sleep(3 * self.plan.slowness)
            await rooms.leave(room, identity)

    async def _post(
        self, session: aiohttp.ClientSession, path: str, room: str, identity: str | None = None
    ) -> None:
        body = {"roomName": room} | ({"userIdentity": identity} if identity else {})
        answers: Counter[str] = Counter()
        for attempt in range(TRIES):
            urls = self.urls()
            try:
                url = urls[attempt % len(urls)] + path
                async with session.post(url, json=body) as response:
                    # A restored ledger may not know the session that is to be ended.
                    if response.status in (200, 204, 404):
                        self.started += path == "/session"
                        return
                    answers[f"{response.status} {(await response.json())['code']}"] += 1
            except aiohttp.ClientError as error:
                answers[type(error).__name__] += 1
            self.refused += 1
            await asyncio.sleep(0.5)
        raise AssertionError(f"{path} of {room} was never answered with success: {dict(answers)}")
