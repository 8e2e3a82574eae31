"""`backend sessions …`."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import jwt
import pytest

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend
from tests.livekit_server import API_SECRET
from tests.service import running


@pytest.fixture
def started(url: str) -> dict[str, str]:
    """A session that was started over HTTP, as the HTTP API shows it."""
    body = {"userIdentity": f"user-{uuid.uuid4().hex}", "agentConfig": {"plan": {"name": "pro"}}}
    session_id = httpx.post(f"{url}/session", json=body).json()["sessionId"]
    session: dict[str, str] = httpx.get(f"{url}/sessions/{session_id}").json()
    return session


def test_given_a_session_then_every_filter_finds_it(
    backend: Backend, started: dict[str, str]
) -> None:
    created = started["createdAt"]
    fits = ["--status", started["status"], "--identity", started["userIdentity"],
            "--room", started["roomName"], "--q", started["sessionId"][:9],
            "--since", created, "--limit", "1"]  # fmt: skip

    [row] = backend.lines("sessions", "list", *fits)
    [as_json] = backend.lines("sessions", "list", "--json", *fits)
    missed = backend.lines("sessions", "list", *fits, "--until", created)

    assert row.split("\t") == [
        started["sessionId"], created, started["status"], started["userIdentity"], "true", "",
        started["roomName"],
    ]  # fmt: skip
    assert json.loads(as_json)["sessionId"] == started["sessionId"]
    assert missed == []


@pytest.mark.parametrize("by", ["sessionId", "roomName"])
def test_given_json_then_a_session_is_shown_exactly_as_the_http_api_does(
    backend: Backend, url: str, started: dict[str, str], by: str
) -> None:
    response = httpx.get(f"{url}/sessions/{started['sessionId']}")

    [shown] = backend.lines("sessions", "show", started[by], "--json")

    assert shown == response.text


def test_given_no_json_then_each_field_and_each_key_of_the_configuration_has_a_line(
    backend: Backend, started: dict[str, str]
) -> None:
    lines = backend.lines("sessions", "show", started["sessionId"])

    shown = dict(line.split("\t") for line in lines)
    assert {name for name in shown if "." not in name} == set(started) - {"agentConfig"}
    assert shown["agentConfig.plan"] == '{"name":"pro"}'
    assert shown["agentConfig.realtime"] == "false"
    assert shown["timeline"].endswith("agent_dispatched (api)")


def test_given_sessions_of_tenants_then_the_operator_sees_all_of_them(
    backend: Backend, tmp_path: Path
) -> None:
    # A service of its own: once there is a key, every request needs one.
    database = sqlite_in(tmp_path)
    with running({**backend.environ, "PORT": "", "DATABASE_URL": database}, tmp_path) as service:
        own = backend.with_environ(DATABASE_URL=database)
        [key] = own("keys", "create", "web", "--tenant", "acme").output.split()
        body, headers = {"userIdentity": "tenant-user"}, {"X-API-Key": key}
        response = httpx.post(f"{service.url}/session", json=body, headers=headers)

        [row] = own.lines("sessions", "list")

    assert row.startswith(response.json()["sessionId"])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("show", "01890a5d-ac96-774b-bcce-b302099a8057"), "There is no session '01890a5d"),
        (("show", "nowhere-\x1b[31m"), "There is no session 'nowhere-�[31m'"),
        (("list", "--since", "yesterday"), "since must be a time"),
    ],
)
def test_given_an_unknown_session_or_a_malformed_filter_then_one_sentence_says_so(
    backend: Backend, arguments: tuple[str, ...], part: str
) -> None:
    result = backend("sessions", *arguments)

    assert result.code == 1
    assert part in result.sentence


@pytest.mark.parametrize("by", ["sessionId", "roomName"])
def test_given_a_live_session_then_a_new_token_for_its_user_is_all_that_is_printed(
    backend: Backend, started: dict[str, str], by: str
) -> None:
    [token] = backend.lines("sessions", "token", started[by], "--ttl", "1800", "--name", "Ann")

    claims = jwt.decode(token, API_SECRET, ["HS256"])
    assert (claims["sub"], claims["name"]) == (started["userIdentity"], "Ann")
    assert claims["video"]["room"] == started["roomName"]
    assert claims["exp"] - claims["nbf"] == 1800


def test_given_a_maximum_then_no_token_is_printed_that_lives_longer(
    backend: Backend, started: dict[str, str]
) -> None:
    strict = backend.with_environ(MAX_TOKEN_TTL_SECONDS="900")

    result = strict("sessions", "token", started["sessionId"], "--ttl", "901")

    assert result.code == 1
    assert "from 10 to 900 (MAX_TOKEN_TTL_SECONDS)" in result.sentence


def test_participants_are_listed_as_the_http_api_does(
    backend: Backend, url: str, started: dict[str, str]
) -> None:
    path = f"{url}/sessions/{started['sessionId']}/participants"
    listed = httpx.get(path).json()["participants"]

    lines = backend.lines("sessions", "participants", started["roomName"], "--json")
    [row] = backend.lines("sessions", "participants", started["sessionId"])

    assert [json.loads(line) for line in lines] == listed
    assert row.split("\t")[2] == "agent"
