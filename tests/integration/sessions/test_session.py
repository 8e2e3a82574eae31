"""POST /session, POST /session/end and GET /sessions, by their contract."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.livekit_server import API_KEY, API_SECRET, free_port
from tests.service import running
from tests.simulator import SimulatorProcess

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def claims(token: str) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(token, API_SECRET, algorithms=["HS256"])
    return decoded


def metadata(simulator: SimulatorProcess, room: str) -> dict[str, Any]:
    [dispatch] = simulator.dispatches(room)
    decoded: dict[str, Any] = json.loads(dispatch["metadata"])
    return decoded


def test_a_session_is_started_in_a_room_of_its_own(
    http: httpx.Client, simulator: SimulatorProcess
) -> None:
    answer = http.post("/session", json={"userIdentity": " user-42 "})

    assert answer.status_code == 200
    started = answer.json()
    assert set(started) == {
        "userToken", "roomName", "livekitUrl", "agentDispatched", "agentConfig", "sessionId",
        "agentStatus",
    }  # fmt: skip
    assert started["roomName"].startswith("room-")
    assert started["livekitUrl"] == simulator.environ["LIVEKIT_URL"]
    assert started["agentDispatched"] is True
    assert started["agentConfig"] == {
        "stt": "assemblyai/universal-streaming:en",
        "tts": "cartesia/sonic-3:9626c31c-bec5-4cca-baa8-f8ba9e84c8bc",
        "llm": "openai/gpt-4o-mini",
        "realtime": False,
    }
    assert UUID7.fullmatch(started["sessionId"])
    assert metadata(simulator, started["roomName"])["session_id"] == started["sessionId"]


def test_given_a_public_url_then_clients_get_it_and_the_service_does_not_use_it(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    public = f"ws://127.0.0.1:{free_port()}"  # where nothing listens
    environ = {
        **simulator.environ, "DATABASE_URL": "memory://", "LIVEKIT_PUBLIC_URL": public,
    }  # fmt: skip

    with running(environ, tmp_path) as service:
        response = httpx.post(f"{service.url}/session", json={"userIdentity": "user-42"})
        ready = httpx.get(f"{service.url}/health/ready")

    assert response.status_code == 200, response.text
    assert response.json()["livekitUrl"] == public
    assert response.json()["agentDispatched"] is True
    assert ready.status_code == 200


def test_the_token_lets_that_identity_into_that_room_for_ten_minutes(
    http: httpx.Client, room: str
) -> None:
    token = http.post("/session", json={"userIdentity": "user-42", "roomName": room}).json()

    granted = claims(token["userToken"])

    assert (granted["iss"], granted["sub"]) == (API_KEY, "user-42")
    assert granted["video"] == {
        "roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True,
        "canPublishData": True,
    }  # fmt: skip
    assert granted["exp"] - granted["nbf"] == 600
    assert abs(granted["nbf"] - time.time()) < 10


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_a_blank_room_name_counts_as_absent(http: httpx.Client, blank: str | None) -> None:
    answer = http.post("/session", json={"userIdentity": "user-42", "roomName": blank})

    assert re.fullmatch(rf"room-{UUID7.pattern}", answer.json()["roomName"])


def test_the_metadata_has_every_key_and_the_callers_own(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    config: dict[str, Any] = {
        "llm": "openai/gpt-4.1", "realtime": True, "stt": None, "greeting": None,
        "tenant": {"ids": [1, 1.5, -0.0, 10**30], "name": "Ünïcødé \u0000 \U0001f600", "x": None},
    }  # fmt: skip

    http.post("/session", json={"userIdentity": "u", "roomName": room, "agentConfig": config})

    sent = metadata(simulator, room)
    assert sent["tenant"] == config["tenant"]
    assert str(sent["tenant"]["ids"]) == str(config["tenant"]["ids"])
    assert (sent["llm"], sent["realtime"]) == ("openai/gpt-4.1", True)
    assert sent["stt"] == "assemblyai/universal-streaming:en"
    assert sent["greeting"] is None
    assert set(sent) == {
        "stt", "tts", "llm", "prompt", "greeting", "realtime", "realtime_model",
        "realtime_voice", "vad_enabled", "turn_detection_enabled",
        "noise_cancellation_enabled", "noise_cancellation_type", "tenant", "session_id",
    }  # fmt: skip


def test_a_second_identity_joins_the_running_session(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    first = http.post(
        "/session",
        json={"userIdentity": "ann", "roomName": room, "agentConfig": {"llm": "openai/gpt-4.1"}},
    ).json()

    second = http.post("/session", json={"userIdentity": "bob", "roomName": room}).json()

    assert second["sessionId"] == first["sessionId"]
    assert second["agentConfig"]["llm"] == "openai/gpt-4.1"
    assert second["agentDispatched"] is True
    assert claims(second["userToken"])["sub"] == "bob"
    assert len(simulator.dispatches(room)) == 1


def test_an_agent_that_has_gone_is_dispatched_again(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    first = http.post("/session", json={"userIdentity": "ann", "roomName": room}).json()
    http.post("/session", json={"userIdentity": "ann", "roomName": room})  # sees it in the room
    [agent] = simulator.agents(room)
    simulator.leave(room, agent)

    again = http.post("/session", json={"userIdentity": "ann", "roomName": room}).json()

    assert again["sessionId"] == first["sessionId"]
    assert again["agentDispatched"] is True
    [other] = simulator.agents(room)
    assert other != agent
    assert len(simulator.dispatches(room)) == 1


def test_ending_deletes_the_room_and_ends_the_session(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    started = http.post("/session", json={"userIdentity": "ann", "roomName": room}).json()

    answer = http.post("/session/end", json={"roomName": room})

    assert (answer.status_code, answer.content) == (204, b"")
    assert simulator.room(room) is None
    session = http.get(f"/sessions/{started['sessionId']}").json()
    assert (session["status"], session["endReason"]) == ("ended", "ended_by_caller")
    assert session["agentDispatched"] is False


def test_ending_twice_and_ending_a_closed_room_are_successes(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    http.post("/session", json={"userIdentity": "ann", "roomName": room})

    assert http.post("/session/end", json={"roomName": room}).status_code == 204
    assert http.post("/session/end", json={"roomName": room}).status_code == 204


def test_ending_an_unknown_room_is_404(http: httpx.Client, room: str) -> None:
    answer = http.post("/session/end", json={"roomName": room})

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_room_can_be_used_again_after_its_end(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    first = http.post("/session", json={"userIdentity": "ann", "roomName": room}).json()
    http.post("/session/end", json={"roomName": room})

    second = http.post("/session", json={"userIdentity": "ann", "roomName": room}).json()

    assert second["sessionId"] != first["sessionId"]
    assert len(simulator.dispatches(room)) == 1
    assert http.get(f"/sessions/by-room/{room}").json()["sessionId"] == second["sessionId"]


def test_a_session_is_read_by_id_and_by_room(http: httpx.Client, room: str) -> None:
    started = http.post(
        "/session",
        json={"userIdentity": "ann", "roomName": room, "agentConfig": {"mine": [1]}},
    ).json()

    by_id = http.get(f"/sessions/{started['sessionId']}")
    by_room = http.get(f"/sessions/by-room/{room}")

    assert by_id.status_code == by_room.status_code == 200
    assert by_id.json() == by_room.json()
    session = by_id.json()
    assert session["sessionId"] == started["sessionId"]
    assert (session["roomName"], session["userIdentity"]) == (room, "ann")
    assert (session["agentName"], session["status"]) == ("shreya-obnox", "agent_dispatched")
    assert session["agentConfig"]["mine"] == [1]
    assert RFC3339.fullmatch(session["createdAt"])
    assert session["createdAt"] <= session["dispatchedAt"]
    assert session["endedAt"] is session["endReason"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/nonsense",
        "/sessions/01890a5d-ac96-774b-bcce-b302099a8057",
        "/sessions/by-room/nobody-was-here",
        "/sessions/by-room/%00%ff",
        "/sessions/by-room/" + "r" * 5000,
    ],
)
def test_an_unknown_session_is_404(http: httpx.Client, path: str) -> None:
    answer = http.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
