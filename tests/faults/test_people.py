"""The callers of the fault runs, and how their calls are judged."""

from __future__ import annotations

import itertools
from typing import Any

import aiohttp
import httpx
from aiohttp import web

from tests.faults.people import Rooms, Stay
from tests.faults.plan import Outcome, Plan
from tests.faults.verdict import judge_calls
from tests.livekit_server import free_port
from tests.simulator import SimulatorProcess

STAY = Stay("call-1", "sip_1", "+15105550000")


async def test_a_join_that_was_not_answered_is_tried_again_as_another_call() -> None:
    """Else the two stays of a join that took effect would have one SIP call id."""
    heard: list[str] = []

    async def join(request: web.Request) -> web.Response:
        heard.append((await request.json())["attributes"]["sip.callID"])
        if len(heard) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({}, status=201)

    app = web.Application()
    app.router.add_post("/simulator/rooms/{room}/participants", join)
    runner, port, ids = web.AppRunner(app), free_port(), itertools.count()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    with httpx.Client() as client:
        async with aiohttp.ClientSession() as session:
            rooms = Rooms(session, SimulatorProcess(port, client))
            await rooms.join("call-1", "sip_1", "SIP", lambda: {"sip.callID": f"SCL_{next(ids)}"})
    await runner.cleanup()

    assert heard == ["SCL_0", "SCL_1"]


def call(sip_call_id: str) -> dict[str, Any]:
    return {
        "callId": f"call of {sip_call_id}",
        "sipCallId": sip_call_id,
        "roomName": STAY.room,
        "participantIdentity": STAY.identity,
        "from": STAY.number,
        "agentDispatched": True,
        "endedAt": None,
    }


def test_the_calls_of_a_stay_that_has_two_are_shown_whole() -> None:
    outcome = Outcome(plan=Plan(storage="sqlite", replicas=1))
    doubled = [call("SCL_1"), call("SCL_1")]

    judge_calls(outcome, [STAY, STAY, STAY], [call("SCL_0"), *doubled])

    assert outcome.problems == [f"several calls of one stay: {doubled}"]
