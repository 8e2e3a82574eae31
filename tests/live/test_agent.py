"""An agent that is there can be talked to, and one that cannot be talked to is not there."""

from __future__ import annotations

import asyncio

import httpx
import psutil
import pytest
from livekit import api, rtc

from tests.live.conftest import Worker
from tests.live.steps import (
    agent_joins,
    agents,
    dispatches,
    join,
    post,
    received_metadata,
    rooms,
    until,
)

pytestmark = pytest.mark.slow


class Ear:
    """What the agent says, as a participant reads it; register before joining."""

    def __init__(self, participant: rtc.Room) -> None:
        self.heard: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        participant.register_text_stream_handler("lk.transcription", self._listen)

    def _listen(self, reader: rtc.TextStreamReader, _identity: str) -> None:
        task = asyncio.ensure_future(self._read(reader))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        self.heard.append(await reader.read_all())


async def talks_with(participant: rtc.Room, ear: Ear) -> None:
    """The agent answers ``participant``: the offline one repeats what is typed."""
    await received_metadata(participant)  # it is ready
    async with asyncio.timeout(20):
        while "ping" not in ear.heard:
            await participant.local_participant.send_text("ping", topic="lk.chat")
            await asyncio.sleep(1)


async def test_the_agent_greets(
    http: httpx.AsyncClient, livekit: api.LiveKitAPI, participant: rtc.Room, room: str
) -> None:
    ear = Ear(participant)
    started = await post(http, "ann", room, greeting="Hello Ann!")
    await join(participant, started)
    await agent_joins(http, livekit, room)

    await until(lambda: "Hello Ann!" in ear.heard)


async def test_when_the_first_user_leaves_the_agent_talks_with_the_second(
    http: httpx.AsyncClient,
    livekit: api.LiveKitAPI,
    participant: rtc.Room,
    second_participant: rtc.Room,
    room: str,
) -> None:
    ann, bob = Ear(participant), Ear(second_participant)
    await join(participant, await post(http, "ann", room))
    await agent_joins(http, livekit, room)
    await talks_with(participant, ann)
    await join(second_participant, await post(http, "bob", room))
    [agent] = await agents(livekit, room)

    await participant.disconnect()

    await talks_with(second_participant, bob)
    assert await agents(livekit, room) == [agent]


async def test_a_user_who_reloads_the_page_meets_the_same_agent_and_it_answers(
    http: httpx.AsyncClient,
    livekit: api.LiveKitAPI,
    participant: rtc.Room,
    second_participant: rtc.Room,
    room: str,
) -> None:
    before, after = Ear(participant), Ear(second_participant)
    first = await post(http, "ann", room)
    await join(participant, first)
    await agent_joins(http, livekit, room)
    await talks_with(participant, before)
    [agent] = await agents(livekit, room)

    await participant.disconnect()
    await until(lambda: is_alone(livekit, room, agent))
    second = await post(http, "ann", room)
    await join(second_participant, second)

    await talks_with(second_participant, after)
    assert second["sessionId"] == first["sessionId"]
    assert await agents(livekit, room) == [agent]
    assert len(await dispatches(livekit, room)) == 1


async def test_when_all_users_have_left_the_agent_leaves_and_the_next_post_begins_anew(
    http: httpx.AsyncClient,
    livekit: api.LiveKitAPI,
    participant: rtc.Room,
    worker: Worker,
    room: str,
) -> None:
    # As LiveKit makes a room on dispatch, but it waits less for users to come back.
    await livekit.room.create_room(api.CreateRoomRequest(name=room, departure_timeout=1))
    first = await post(http, "ann", room)
    await join(participant, first)
    await agent_joins(http, livekit, room)
    await received_metadata(participant)
    job = job_process(worker, room)

    await participant.disconnect()

    await until(lambda: no_room(livekit, room))
    await until(lambda: not job.is_running())
    second = await post(http, "ann", room)
    await agent_joins(http, livekit, room)
    assert second["sessionId"] != first["sessionId"]
    ended = (await http.get(f"/sessions/{first['sessionId']}")).json()
    assert (ended["status"], ended["endReason"]) == ("ended", "room_finished")


async def is_alone(livekit: api.LiveKitAPI, room: str, agent: str) -> bool:
    answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    return [who.identity for who in answer.participants] == [agent]


async def no_room(livekit: api.LiveKitAPI, room: str) -> bool:
    return await rooms(livekit, room) == 0


def job_process(worker: Worker, room: str) -> psutil.Process:
    """The process in which the worker serves ``room``, as its log tells."""
    pids = {
        line["pid"]
        for line in worker.log_lines()
        if line.get("room") == room and line["pid"] != worker.process.pid
    }
    assert len(pids) == 1, pids
    return psutil.Process(pids.pop())
