"""POST /session/token, by its contract."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
import pytest

from tests.livekit_server import API_SECRET
from tests.simulator import SimulatorProcess


def claims(token: str) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(token, API_SECRET, ["HS256"])
    return decoded


def start(http: httpx.Client, room: str, **more: Any) -> dict[str, Any]:
    answer = http.post("/session", json={"userIdentity": "ann", "roomName": room, **more})
    started: dict[str, Any] = answer.json()
    return started


@pytest.mark.parametrize("names", [["sessionId"], ["roomName"], ["sessionId", "roomName"]])
def test_given_a_live_session_then_its_token_is_renewed(
    http: httpx.Client, simulator: SimulatorProcess, room: str, names: list[str]
) -> None:
    started = start(http, room)

    answer = http.post("/session/token", json={name: started[name] for name in names})

    assert answer.status_code == 200, answer.text
    renewed = answer.json()
    assert set(renewed) == {"userToken", "roomName", "livekitUrl", "sessionId"}
    for name in ("roomName", "livekitUrl", "sessionId"):
        assert renewed[name] == started[name]
    first, again = claims(started["userToken"]), claims(renewed["userToken"])
    for times in (first, again):
        assert times.pop("exp") - times.pop("nbf") == 600
    assert first == again
    assert len(simulator.dispatches(room)) == 1
    assert answer.headers["ratelimit"]


def test_given_an_agent_that_comes_once_the_user_has_joined_then_each_token_makes_clients_wait(
    http: httpx.Client, room: str
) -> None:
    started = start(http, room, dispatch="on_join")
    again = start(http, room, dispatch="on_join")
    renewed = http.post("/session/token", json={"roomName": room}).json()
    fetched = http.post("/livekit/token", json={}).json()
    name = claims(fetched["participant_token"])["video"]["room"]
    of_endpoint = http.post("/session/token", json={"roomName": name}).json()

    for text in (
        started["userToken"],
        again["userToken"],
        renewed["userToken"],
        fetched["participant_token"],
        of_endpoint["userToken"],
    ):
        assert claims(text)["roomConfig"] == {"agents": [{}]}


def test_given_options_then_the_new_token_has_them(http: httpx.Client, room: str) -> None:
    started = start(http, room)

    renewed = http.post(
        "/session/token",
        json={
            "sessionId": started["sessionId"],
            "participantName": "Ann",
            "participantMetadata": "m",
            "participantAttributes": {"plan": "pro"},
            "tokenTtlSeconds": 1800,
        },
    ).json()

    granted = claims(renewed["userToken"])
    assert (granted["sub"], granted["name"], granted["metadata"]) == ("ann", "Ann", "m")
    assert granted["attributes"] == {"plan": "pro"}
    assert granted["exp"] - granted["nbf"] == 1800


def test_given_an_ended_session_then_it_is_a_conflict(http: httpx.Client, room: str) -> None:
    started = start(http, room)
    http.post("/session/end", json={"roomName": room})

    answer = http.post("/session/token", json={"sessionId": started["sessionId"]})

    assert (answer.status_code, answer.json()["code"]) == (409, "session_ended")
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "sessionId"),
        ({"sessionId": None, "roomName": None}, 400, "sessionId"),
        ({"sessionId": 7}, 400, "sessionId"),
        ({"sessionId": "7"}, 404, "sessionId"),
        ({"sessionId": "01a2074e-8b46-7010-b8f8-28073a54b3a7"}, 404, "sessionId"),
        ({"roomName": "no-such-room"}, 404, "roomName"),
        ({"roomName": "\u0000"}, 404, "roomName"),
        ({"roomName": "r", "tokenTtlSeconds": 3601}, 400, "tokenTtlSeconds"),
        ({"roomName": "r", "participantAttributes": {"sip.x": ""}}, 400, "participantAttributes"),
    ],
)
def test_given_a_wrong_request_then_the_answer_says_which_field(
    http: httpx.Client, body: dict[str, Any], status: int, field: str
) -> None:
    answer = http.post("/session/token", json=body)

    assert (answer.status_code, answer.json()["field"]) == (status, field)
