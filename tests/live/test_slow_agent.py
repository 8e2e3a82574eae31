"""Workers whose agents take long to join, as a cold start or a slow network makes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from livekit import api, rtc

from tests.live.conftest import Worker
from tests.live.stage import Staged, staged
from tests.live.steps import (
    LOOKS_AGAIN_SECONDS,
    agents,
    call_becomes,
    dispatches,
    happenings,
    has_agents,
    has_only,
    join,
    on_the_phone,
    post,
    room_of_a_call,
    rooms,
    session_becomes,
    session_ends,
    until,
    watched,
)

pytestmark = pytest.mark.slow

LONGER_THAN_A_WORKER_MAY_TAKE_TO_ACCEPT = 11.0
LONGER_THAN_LIVEKIT_TAKES_TO_LIST_A_JOB = 7.0


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    folder = tmp_path_factory.mktemp("slow")
    with staged(folder, delay=LONGER_THAN_LIVEKIT_TAKES_TO_LIST_A_JOB) as slow:
        yield slow


async def test_given_a_slow_worker_then_one_dispatch_serves_user_and_caller_once_it_has_joined(
    tmp_path: Path, participant: rtc.Room, room: str
) -> None:
    delay, ringing = LONGER_THAN_A_WORKER_MAY_TAKE_TO_ACCEPT, room_of_a_call()
    with staged(tmp_path, delay=delay) as slower:
        async with slower.clients() as (http, livekit):
            await join(participant, await post(http, "ann", room))
            await until(lambda: reports(slower.worker, "took", room))
            async with (
                on_the_phone(slower.stage.server, ringing),
                watched(livekit, room) as web,
                watched(livekit, ringing) as call,
            ):
                expected = await session_becomes(http, room, status="agent_dispatched")
                session = await session_becomes(http, room, status="active")
                await session_becomes(http, ringing, status="active")
                metrics = (await http.get("/metrics")).text

    assert (expected["agentJoinedAt"], expected["agentJoinSeconds"]) == (None, None)
    assert session["agentJoinSeconds"] >= delay
    assert session["agentJoinedAt"] > session["dispatchedAt"]
    assert happenings(session) == ["agent_dispatched", "agent_joined"]
    assert "backend_agent_join_seconds_count 2.0" in metrics
    assert (web.most_agents, len(web.dispatches)) == (1, 1)
    assert (call.most_agents, len(call.dispatches)) == (1, 1)


async def test_given_an_agent_on_its_way_however_its_session_ends_then_no_agent_and_no_room_remain(
    slow: Staged, room: str
) -> None:
    hung_up, ended, closed = room_of_a_call(), f"{room}-ended", f"{room}-closed"
    names = (ended, closed, hung_up)
    async with slow.clients() as (http, livekit):
        by_request = await post(http, "ann", ended)
        await until(lambda: reports(slow.worker, "took", ended))
        by_closing = await post(http, "bob", closed)
        await until(lambda: reports(slow.worker, "took", closed))
        async with on_the_phone(slow.stage.server, hung_up):
            call = await call_becomes(http, hung_up, agentDispatched=True)
            await until(lambda: reports(slow.worker, "took", hung_up))
        await end(http, livekit, ended, "request")
        await end(http, livekit, closed, "closing")

        await session_ends(http, by_request["sessionId"], "ended_by_caller")
        await session_ends(http, by_closing["sessionId"], "room_finished")
        await session_ends(http, call["sessionId"], "room_finished")
        await until(lambda: all(reports(slow.worker, "settled", name) for name in names))
        await until(lambda: are_deserted(livekit, names))
        await asyncio.sleep(LOOKS_AGAIN_SECONDS)
        assert await are_deserted(livekit, names)


@pytest.mark.parametrize("by", ["request", "closing"])
async def test_given_an_ended_session_s_agent_is_on_its_way_when_the_user_returns_then_one_comes(
    slow: Staged, participant: rtc.Room, room: str, by: str
) -> None:
    async with slow.clients() as (http, livekit):
        first = await post(http, "ann", room)
        await until(lambda: reports(slow.worker, "took", room))
        await end(http, livekit, room, by)
        await session_becomes(http, room, status="ended")

        second = await post(http, "ann", room)
        await join(participant, second)
        async with watched(livekit, room) as seen:
            await until(lambda: slow.worker.output().count(f"settled {room}") >= 2, 60)
            await until(lambda: has_agents(livekit, room, 1))
        [agent] = await agents(livekit, room)

        assert await has_only(livekit, room, agent)
        assert len(seen.dispatches) == 1
        [dispatch] = await dispatches(livekit, room)
        assert json.loads(dispatch.metadata)["session_id"] == second["sessionId"]
        assert [job.state.participant_identity for job in dispatch.state.jobs] == [agent]
        session = await session_becomes(http, room, status="active")
        assert session["sessionId"] == second["sessionId"] != first["sessionId"]
        assert participant.isconnected()


async def end(http: httpx.AsyncClient, livekit: api.LiveKitAPI, room: str, by: str) -> None:
    if by == "request":
        answer = await http.post("/session/end", json={"roomName": room})
        assert answer.status_code == 204
    else:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=room))


def reports(worker: Worker, what: str, room: str) -> bool:
    return f"{what} {room}\n" in worker.output()


async def are_deserted(livekit: api.LiveKitAPI, names: Sequence[str]) -> bool:
    """Whether LiveKit has no agent in these rooms, which one may have reopened."""
    counts = [len(await agents(livekit, name)) for name in names if await rooms(livekit, name)]
    return sum(counts) == 0
