"""Who is and was in a room, as a real LiveKit tells it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from livekit import api, rtc

from tests.live.steps import agent_joins, join, post, until

pytestmark = pytest.mark.slow


async def test_who_joins_leaves_and_comes_again_is_listed_with_the_agent(
    telephony_http: httpx.AsyncClient,
    livekit: api.LiveKitAPI,
    participant: rtc.Room,
    second_participant: rtc.Room,
    room: str,
) -> None:
    started = await post(telephony_http, "ann", room)
    path = f"/sessions/{started['sessionId']}/participants"

    async def listed() -> list[dict[str, Any]]:
        answer = await telephony_http.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["gaps"] == []
        found: list[dict[str, Any]] = answer.json()["participants"]
        return found

    await join(participant, started)
    await agent_joins(telephony_http, livekit, room)
    await participant.disconnect()
    await join(second_participant, started)

    async def is_reported() -> bool:
        stays = [one for one in await listed() if one["identity"] == "ann"]
        sources = [(one["joinedAtSource"], one["leftAtSource"]) for one in stays]
        return sources == [("webhook", None), ("webhook", "webhook")]

    await until(is_reported)
    stays = await listed()
    again, first = [one for one in stays if one["identity"] == "ann"]
    [agent] = [one for one in stays if one["kind"] == "agent"]
    assert len(stays) == 3
    assert (first["leftAtIs"], first["leaveReason"]) == ("exact", "CLIENT_INITIATED")
    assert first["joinedAt"] <= first["leftAt"]
    assert again["sid"] != first["sid"]
    assert (again["kind"], again["leftAt"], again["isPublisher"]) == ("standard", None, True)
    assert agent["leftAt"] is None

    ended = await telephony_http.post("/session/end", json={"roomName": room})

    assert ended.status_code == 204
    assert all(one["leftAt"] is not None for one in await listed())

    async def says_why() -> bool:
        return {one["leaveReason"] for one in await listed()} >= {"ROOM_DELETED"}

    await until(says_why)
    assert len(await listed()) == 3
