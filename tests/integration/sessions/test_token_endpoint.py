"""POST /livekit/token, as LiveKit's client SDKs call it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.livekit_server import API_SECRET, free_port
from tests.service import START_LIMIT_SECONDS, running
from tests.simulator import SimulatorProcess, running_simulator


def claims(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    token = answer.json()["participant_token"]
    decoded: dict[str, Any] = jwt.decode(token, API_SECRET, algorithms=["HS256"])
    return decoded


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def test_an_empty_request_gets_a_new_room_and_a_new_participant(
    http: httpx.Client, simulator: SimulatorProcess
) -> None:
    before = simulator.state()["requests"]
    answers = [http.post("/livekit/token", json={}) for _ in range(2)]

    for answer in answers:
        assert set(answer.json()) == {"server_url", "participant_token"}
        assert answer.json()["server_url"] == simulator.environ["LIVEKIT_URL"]
    first, second = map(claims, answers)
    assert first["video"]["room"] != second["video"]["room"]
    assert first["sub"] != second["sub"]
    assert first["video"]["roomJoin"] is True
    assert first["exp"] - first["nbf"] == 600
    assert simulator.state()["requests"] == before
    session = http.get(f"/sessions/by-room/{first['video']['room']}").json()
    assert (session["status"], session["dispatch"]) == ("created", "on_join")
    assert session["agentName"] == "shreya-obnox"


def test_a_client_is_made_to_wait_for_an_agent_that_livekit_does_not_dispatch(
    http: httpx.Client,
) -> None:
    body = {"room_config": {"agents": [{"agent_name": "shreya-obnox"}]}}

    assert claims(http.post("/livekit/token", json=body))["roomConfig"] == {"agents": [{}]}


def test_the_fields_of_the_standard_reach_the_token(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    public = f"ws://127.0.0.1:{free_port()}"
    environ = {
        **simulator.environ, "DATABASE_URL": "memory://", "LIVEKIT_PUBLIC_URL": public,
        "TOKEN_AGENT_NAMES": "receptionist", "TOKEN_AGENT_METADATA": "greeting",
        "TOKEN_PARTICIPANT_METADATA": "plan", "TOKEN_PARTICIPANT_ATTRIBUTES": "plan,app.*",
    }  # fmt: skip
    body = {
        "room_name": "support-7",
        "participant_identity": "user-42",
        "participant_name": "Ann Müller",
        "participant_metadata": '{"plan":"pro"}',
        "participant_attributes": {"plan": "pro", "app.locale": "de"},
        "room_config": {
            "agents": [{"agent_name": "receptionist", "metadata": '{"greeting":"Hi!"}'}]
        },
    }
    with running(environ, tmp_path) as service:
        answer = httpx.post(f"{service.url}/livekit/token", json=body, timeout=30)
        session = httpx.get(f"{service.url}/sessions/by-room/support-7").json()

    assert answer.json()["server_url"] == public
    found = claims(answer)
    assert (found["sub"], found["name"]) == ("user-42", "Ann Müller")
    assert found["video"]["room"] == "support-7"
    assert found["metadata"] == body["participant_metadata"]
    assert found["attributes"] == body["participant_attributes"]
    assert "Hi!" not in json.dumps(found["roomConfig"])
    assert session["agentName"] == "receptionist"
    assert session["agentConfig"]["greeting"] == "Hi!"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"room_name": "bad name"}, "room_name"),
        ({"room_name": 5}, "room_name"),
        ({"participant_identity": "a/b"}, "participant_identity"),
        ({"participant_name": "a\nb"}, "participant_name"),
        ({"participant_name": "x" * 257}, "participant_name"),
        ({"participant_metadata": "x"}, "participant_metadata"),
        ({"participant_attributes": {"role": "admin"}}, "participant_attributes"),
        ({"participant_attributes": {"lk.agent.state": "x"}}, "participant_attributes"),
        ({"room_config": {"egress": {"room": {"room_name": "x"}}}}, "room_config.egress"),
        ({"room_config": {"max_participants": 9}}, "room_config.max_participants"),
        (
            {"room_config": {"agents": [{"agent_name": "another"}]}},
            "room_config.agents[0].agent_name",
        ),
        (
            {"room_config": {"agents": [{"metadata": '{"prompt":"x"}'}]}},
            "room_config.agents[0].metadata",
        ),
        ({"room_config": {"agents": [{}, {}]}}, "room_config.agents"),
        ({"room_config": "x"}, "room_config"),
        ({"roomName": "camel"}, "roomName"),
        ({"ttl": 86400}, "ttl"),
        ({"participant_permissions": {"roomAdmin": True}}, "participant_permissions"),
    ],
)
def test_what_a_client_may_not_set_is_refused_by_its_name(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    answer = http.post("/livekit/token", json=body)

    assert answer.status_code == 400
    error = answer.json()
    assert error["code"] == "validation_failed"
    assert error["field"] == field
    assert field.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0] in error["error"]


@pytest.mark.parametrize("identity", ["agent-AJ_x", "ann@example.com", "sip_+15105550100", "é"])
def test_an_identity_keeps_the_rule_of_post_session(http: httpx.Client, identity: str) -> None:
    answer = http.post("/livekit/token", json={"participant_identity": identity})

    assert (answer.status_code, answer.json()["field"]) == (400, "participant_identity")
    assert answer.json()["error"].startswith("participant_identity ")


def test_given_any_identity_is_allowed_then_clients_may_have_those_of_today(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "IDENTITY_CHARSET": "any"}
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        for identity in ("ann@example.com", "auth0|5f7c8ec7", "+15105550100", "田中", "é" * 128):
            answer = client.post("/livekit/token", json={"participant_identity": identity})
            assert claims(answer)["sub"] == identity
        for identity in ("agent-AJ_x", "a\nb", "é" * 129):
            answer = client.post("/livekit/token", json={"participant_identity": identity})
            assert (answer.status_code, answer.json()["field"]) == (400, "participant_identity")


def test_what_clients_spell_out_although_it_is_empty_is_accepted(http: httpx.Client) -> None:
    empty = {
        "room_name": "", "participant_identity": "", "participant_name": "",
        "participant_metadata": "", "participant_attributes": {},
        "room_config": {"name": "", "agents": [], "egress": None},
    }  # fmt: skip

    assert claims(http.post("/livekit/token", json=empty))["sub"].startswith("user-")
    assert claims(http.post("/livekit/token", json=dict.fromkeys(empty)))


def test_a_token_for_a_live_session_joins_it(
    http: httpx.Client, simulator: SimulatorProcess
) -> None:
    started = http.post("/session", json={"userIdentity": "ann", "roomName": "shared"}).json()
    http.post("/livekit/token", json={"room_name": "shared"})

    assert len(simulator.dispatches("shared")) == 1
    session = http.get("/sessions/by-room/shared").json()
    assert session["sessionId"] == started["sessionId"]


def test_an_api_key_is_needed_once_there_is_one(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    key = "a-key-of-the-token-tests"
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "API_KEYS": key}
    with running(environ, tmp_path) as service:
        url = f"{service.url}/livekit/token"
        assert httpx.post(url, json={}).status_code == 401
        allowed = httpx.post(url, json={}, headers={"Authorization": f"Bearer {key}"})
    assert allowed.status_code == 201


def test_a_page_of_another_origin_may_call_it(http: httpx.Client) -> None:
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    preflight = http.options("/livekit/token", headers=asked)

    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"


def test_when_the_user_joins_and_joins_again_then_one_agent_comes_each_time(
    processes: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with running_simulator([f"http://127.0.0.1:{port}/telephony/livekit-webhook"]) as simulator:
        simulator.register_worker("shreya-obnox")
        environ = {
            **simulator.environ, **processes, "PORT": str(port),
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }  # fmt: skip
        with (
            running(environ, tmp_path) as service,
            httpx.Client(base_url=service.url, timeout=30) as client,
        ):
            room = claims(client.post("/livekit/token", json={}))["video"]["room"]
            path = f"/sessions/by-room/{room}"
            unused = claims(client.post("/livekit/token", json={}))["video"]["room"]
            for _ in range(2):
                simulator.join(room, "user-1", kind="STANDARD")
                until(lambda: simulator.agents(room))
                until(lambda: client.get(path).json()["agentDispatched"])
                assert len(simulator.dispatches(room)) == 1
                simulator.close_room(room)
                until(lambda: client.get(path).json()["status"] == "ended")
            assert simulator.room(unused) is None
            assert client.get(f"/sessions/by-room/{unused}").json()["status"] == "created"
