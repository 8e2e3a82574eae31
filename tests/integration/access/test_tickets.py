"""Tickets over HTTP: a customer's server makes them, browsers fetch tokens with them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from domain.tickets.authenticate_ticket import REQUESTS_PER_MINUTE
from tests.integration.access.two_tenants import (
    ANN,
    BEN,
    GUARDED,
    agent_keys,
    as_,
    save_agent,
    tenants_environ,
)
from tests.livekit_server import API_SECRET
from tests.service import Service, running
from tests.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tickets")


@pytest.fixture(scope="module")
def environ(simulator_process: SimulatorProcess, folder: Path) -> dict[str, str]:
    return tenants_environ(simulator_process, folder)


@pytest.fixture(scope="module")
def owners(environ: dict[str, str], folder: Path) -> dict[str, str]:
    """Keys of Ann and Ben that save agents."""
    return agent_keys(environ, folder, "ann", "ben")


@pytest.fixture(scope="module")
def service(environ: dict[str, str], folder: Path, owners: dict[str, str]) -> Iterator[Service]:
    assert owners
    with running(environ, folder) as service:
        yield service


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


def made(http: httpx.Client, key: str = ANN, **body: Any) -> dict[str, Any]:
    answer = http.post("/livekit/tickets", json=body, headers=as_(key))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fetch(http: httpx.Client, ticket: str, **body: Any) -> httpx.Response:
    return http.post("/livekit/token", json=body, headers=as_(ticket))


def claims(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    token = answer.json()["participant_token"]
    decoded: dict[str, Any] = jwt.decode(token, API_SECRET, algorithms=["HS256"])
    return decoded


def session_of(http: httpx.Client, answer: httpx.Response, key: str = ANN) -> httpx.Response:
    return http.get(f"/sessions/by-room/{claims(answer)['video']['room']}", headers=as_(key))


def test_a_browser_gets_what_the_ticket_fixes_and_the_tenant_owns_the_session(
    http: httpx.Client, owners: dict[str, str]
) -> None:
    agent_id = save_agent(
        http, owners["ann"], agentName="support-worker", variables={"name": None},
        agentConfig={"prompt": "Help {{name}}."},
    )  # fmt: skip
    ticket = made(
        http, userIdentity="user-42", roomName="support-7", agentId=agent_id,
        variables={"name": "Ann"}, agentConfig={"greeting": "Hi {{name}}!"},
        participantName="Ann", participantMetadata="m", participantAttributes={"plan": "pro"},
        tokenTtlSeconds=1800, ttlSeconds=30,
    )  # fmt: skip
    assert ticket["ticket"].startswith(f"tk_{ticket['ticketId'].replace('-', '')}_")
    assert (ticket["userIdentity"], ticket["roomName"]) == ("user-42", "support-7")
    assert (ticket["agentId"], ticket["agentName"]) == (f"{agent_id}@1", "support-worker")
    assert ticket["maxSessions"] == 1

    answer = fetch(http, ticket["ticket"])

    token = claims(answer)
    assert (token["sub"], token["name"], token["metadata"]) == ("user-42", "Ann", "m")
    assert token["attributes"] == {"plan": "pro"}
    assert token["video"]["room"] == "support-7"
    assert token["exp"] - token["nbf"] == 1800
    assert token["roomConfig"] == {"agents": [{}]}
    session = session_of(http, answer).json()
    assert (session["agentId"], session["agentVersion"]) == (agent_id, 1)
    assert session["agentConfig"]["prompt"] == "Help Ann."
    assert session["agentConfig"]["greeting"] == "Hi Ann!"
    assert (session["status"], session["dispatch"]) == ("created", "on_join")
    assert session_of(http, answer, BEN).status_code == 404


def test_the_least_ticket_brings_a_new_user_into_a_new_room(http: httpx.Client) -> None:
    first, second = made(http), made(http)

    one, again, other = (fetch(http, each["ticket"]) for each in (first, first, second))

    assert claims(one)["sub"] == first["userIdentity"]
    assert claims(one)["sub"] == claims(again)["sub"] != claims(other)["sub"]
    rooms = [claims(each)["video"]["room"] for each in (one, again, other)]
    assert rooms[0] == rooms[1] != rooms[2]


def test_after_the_session_the_ticket_is_used(http: httpx.Client) -> None:
    ticket = made(http)["ticket"]
    room = claims(fetch(http, ticket))["video"]["room"]
    assert http.post("/session/end", json={"roomName": room}, headers=as_(ANN)).is_success

    answer = fetch(http, ticket)

    assert (answer.status_code, answer.json()["code"]) == (401, "ticket_used")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_ticket_expires(http: httpx.Client) -> None:
    ticket = made(http, ttlSeconds=5)["ticket"]
    assert fetch(http, ticket).status_code == 201
    deadline = time.monotonic() + 60
    while (answer := fetch(http, ticket)).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(2)

    assert answer.json()["code"] == "ticket_expired"


def test_forged_tickets_are_refused(http: httpx.Client) -> None:
    ticket = made(http)["ticket"]
    for text in ("tk_", ticket[:-2] + "AA", f"tk_{'0' * 32}_{'A' * 43}", ticket + "A"):
        answer = fetch(http, text)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_ticket")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"room_name": "another"}, "room_name"),
        ({"participant_identity": "another"}, "participant_identity"),
        ({"participant_name": "Ben"}, "participant_name"),
        ({"participant_metadata": "{}"}, "participant_metadata"),
        ({"participant_attributes": {"plan": "pro"}}, "participant_attributes"),
        ({"room_config": {"egress": {"room": {"x": 1}}}}, "room_config.egress"),
        (
            {"room_config": {"agents": [{"agent_name": "receptionist"}]}},
            "room_config.agents[0].agent_name",
        ),
        (
            {"room_config": {"agents": [{"metadata": '{"prompt":"x"}'}]}},
            "room_config.agents[0].metadata",
        ),
        ({"ttl": 86400}, "ttl"),
    ],
)
def test_a_body_that_contradicts_the_ticket_is_refused(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    ticket = made(
        http, userIdentity="user-42", roomName=f"room-{uuid.uuid4()}", participantName="Ann",
        participantMetadata="m", participantAttributes={"plan": "free"},
    )["ticket"]  # fmt: skip

    answer = fetch(http, ticket, **body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert fetch(http, ticket).status_code == 201


def test_another_tenants_room_and_agent_are_not_found(
    http: httpx.Client, owners: dict[str, str]
) -> None:
    room = f"room-{uuid.uuid4()}"
    assert fetch(http, made(http, roomName=room)["ticket"]).status_code == 201
    refused = fetch(http, made(http, BEN, roomName=room)["ticket"])
    assert (refused.status_code, refused.json()["code"]) == (404, "room_unavailable")

    agent_id = save_agent(http, owners["ann"], name="of-ann")
    answer = http.post("/livekit/tickets", json={"agentId": agent_id}, headers=as_(BEN))
    assert (answer.status_code, answer.json()["field"]) == (404, "agentId")


def test_no_other_route_takes_a_ticket(http: httpx.Client, subtests: pytest.Subtests) -> None:
    ticket = made(http)["ticket"]
    for route in GUARDED:
        if route.name == ("POST", "/livekit/token"):
            continue
        with subtests.test(" ".join(route.name)):
            for headers in (as_(ticket), {"X-API-Key": ticket}):
                answer = http.request(route.method, route.of_nothing(), headers=headers, json={})
                assert answer.status_code == 403
                if route.method != "HEAD":
                    assert answer.json()["code"] == "insufficient_scope"


def test_a_flood_with_one_ticket_is_limited(http: httpx.Client) -> None:
    ticket, other = made(http)["ticket"], made(http)["ticket"]
    answers = [fetch(http, ticket) for _ in range(2 * REQUESTS_PER_MINUTE + 1)]

    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert int(limited[0].headers["Retry-After"]) >= 1
    assert limited[0].json()["code"] == "rate_limited"
    assert fetch(http, other).status_code == 201


def test_given_an_idempotency_key_then_one_ticket_is_made(http: httpx.Client) -> None:
    headers = as_(ANN, **{"Idempotency-Key": str(uuid.uuid4())})
    body = {"userIdentity": "user-42", "ttlSeconds": 30}

    first, again = (http.post("/livekit/tickets", json=body, headers=headers) for _ in range(2))
    reused = http.post("/livekit/tickets", json={}, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_the_database_has_no_text_of_a_ticket(http: httpx.Client, folder: Path) -> None:
    headers = as_(ANN, **{"Idempotency-Key": str(uuid.uuid4())})
    ticket = http.post("/livekit/tickets", json={}, headers=headers).json()["ticket"]
    assert fetch(http, ticket).status_code == 201

    stored = b"".join(path.read_bytes() for path in folder.glob("ledger.db*"))
    assert b"tickets" in stored
    assert ticket.split("_", 2)[2].encode() not in stored


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ttlSeconds": 4}, "ttlSeconds"),
        ({"ttlSeconds": 901}, "ttlSeconds"),
        ({"ttlSeconds": "60"}, "ttlSeconds"),
        ({"ttlSeconds": 60.5}, "ttlSeconds"),
        ({"maxSessions": 0}, "maxSessions"),
        ({"maxSessions": True}, "maxSessions"),
        ({"userIdentity": "a/b"}, "userIdentity"),
        ({"userIdentity": 5}, "userIdentity"),
        ({"roomName": "a room"}, "roomName"),
        ({"agentName": "stranger"}, "agentName"),
        ({"agentId": "x", "agentName": "receptionist"}, "agentName"),
        ({"agentId": "x"}, "agentId"),
        ({"variables": {"a": "b"}}, "variables"),
        ({"agentConfig": []}, "agentConfig"),
        ({"tokenTtlSeconds": 5}, "tokenTtlSeconds"),
        ({"dispatch": "now"}, "dispatch"),
        ({"room_name": "snake"}, "room_name"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    answer = http.post("/livekit/tickets", json=body, headers=as_(ANN))

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_given_there_is_no_api_key_then_a_ticket_is_checked_all_the_same(
    simulator_process: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator_process.environ, "DATABASE_URL": "memory://"}
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as http:
        ticket = http.post("/livekit/tickets", json={}).json()["ticket"]
        assert fetch(http, ticket).status_code == 201
        assert fetch(http, ticket[:-2] + "AA").status_code == 401


def test_given_two_processes_then_one_ticket_begins_one_session(
    simulator_process: SimulatorProcess, processes: dict[str, str], tmp_path: Path
) -> None:
    environ = {**simulator_process.environ, **processes}
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as http:
        ticket = http.post("/livekit/tickets", json={}).json()["ticket"]
        with httpx.Client(base_url=service.url) as other:
            rooms = {
                claims(fetch(client, ticket))["video"]["room"]
                for _ in range(5)
                for client in (http, other)
            }
        (room,) = rooms
        assert http.post("/session/end", json={"roomName": room}).is_success
        for _ in range(4):
            assert fetch(http, ticket).json()["code"] == "ticket_used"
