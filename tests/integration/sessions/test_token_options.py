"""What POST /session takes for the token beside the identity and the room."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.livekit_server import API_SECRET
from tests.service import running
from tests.simulator import SimulatorProcess

CHOSEN: dict[str, Any] = {
    "participantName": "Ann Müller",
    "participantMetadata": '{"plan":"pro"}',
    "participantAttributes": {"plan": "pro", "größe": "😀"},
    "tokenTtlSeconds": 3600,
}


def claims(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    decoded: dict[str, Any] = jwt.decode(answer.json()["userToken"], API_SECRET, ["HS256"])
    return decoded


def test_given_options_then_the_token_has_them_and_the_session_has_not(
    http: httpx.Client, room: str
) -> None:
    answer = http.post("/session", json={"userIdentity": "ann", "roomName": room, **CHOSEN})

    granted = claims(answer)
    assert granted["name"] == "Ann Müller"
    assert granted["metadata"] == '{"plan":"pro"}'
    assert granted["attributes"] == {"plan": "pro", "größe": "😀"}
    assert granted["exp"] - granted["nbf"] == 3600
    stored = http.get(f"/sessions/by-room/{room}").text
    assert "Müller" not in stored
    assert "plan" not in stored


def test_given_none_then_the_token_is_the_contract_s(http: httpx.Client) -> None:
    nothing = dict.fromkeys(CHOSEN)

    granted = claims(http.post("/session", json={"userIdentity": "ann", **nothing}))

    assert set(granted) == {"iss", "sub", "nbf", "exp", "video"}
    assert granted["exp"] - granted["nbf"] == 600


def test_given_a_repetition_then_its_token_has_the_same_content(http: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (
        http.post("/session", json={"userIdentity": "ann", **CHOSEN}, headers=key) for _ in range(2)
    )

    assert again.headers["idempotency-replayed"] == "true"
    given, repeated = claims(first), claims(again)
    for times in (given, repeated):
        assert times.pop("exp") - times.pop("nbf") == 3600
    assert given == repeated


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"participantName": "x" * 257}, "participantName"),
        ({"participantName": "a\u0000b"}, "participantName"),
        ({"participantName": 7}, "participantName"),
        ({"participantMetadata": "x" * 64_001}, "participantMetadata"),
        ({"participantMetadata": {"plan": "pro"}}, "participantMetadata"),
        ({"participantAttributes": {"sip.callID": "x"}}, "participantAttributes"),
        ({"participantAttributes": {"lk.agent.state": "x"}}, "participantAttributes"),
        ({"participantAttributes": {"a": "x" * 64_000}}, "participantAttributes"),
        ({"participantAttributes": ["a"]}, "participantAttributes"),
        ({"tokenTtlSeconds": 9}, "tokenTtlSeconds"),
        ({"tokenTtlSeconds": 3601}, "tokenTtlSeconds"),
        ({"tokenTtlSeconds": 10**40}, "tokenTtlSeconds"),
        ({"tokenTtlSeconds": True}, "tokenTtlSeconds"),
        ({"tokenTtlSeconds": "600"}, "tokenTtlSeconds"),
        ({"tokenTtlSeconds": 600.5}, "tokenTtlSeconds"),
    ],
)
def test_given_a_wrong_option_then_the_answer_names_it(
    http: httpx.Client, room: str, wrong: dict[str, Any], field: str
) -> None:
    answer = http.post("/session", json={"userIdentity": "ann", "roomName": room, **wrong})

    told = answer.json()
    assert (answer.status_code, told["code"], told["field"]) == (400, "validation_failed", field)
    assert field in told["error"]
    assert http.get(f"/sessions/by-room/{room}").status_code == 404


def test_given_another_maximum_then_it_is_the_limit(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {
        **simulator.environ, "DATABASE_URL": "memory://", "MAX_TOKEN_TTL_SECONDS": "86400",
    }  # fmt: skip
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        day = client.post("/session", json={"userIdentity": "a", "tokenTtlSeconds": 86400})
        more = client.post("/session", json={"userIdentity": "a", "tokenTtlSeconds": 86401})

    assert claims(day)["exp"] - claims(day)["nbf"] == 86400
    assert more.status_code == 400
    assert "from 10 to 86400 (MAX_TOKEN_TTL_SECONDS)" in more.json()["error"]
