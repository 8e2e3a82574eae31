"""`backend tickets …`."""

from __future__ import annotations

from pathlib import Path

import httpx
import jwt

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend
from tests.service import running
from tests.simulator import SimulatorProcess


def test_a_ticket_that_is_made_is_good_for_a_token(
    simulator_process: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(tmp_path),
    }
    backend = Backend(environ, tmp_path)

    made = backend(
        "tickets", "create", "--user", "user-42", "--room", "support-7", "--name", "Ann",
        "--agent-config", '{"greeting": "Hi!"}', "--ttl", "300", "--token-ttl", "60",
        "--sessions", "2",
    )  # fmt: skip

    assert made.code == 0, made.errors
    ticket = made.output.strip()
    assert ticket.startswith("tk_")
    assert ticket not in made.errors
    assert "The ticket is valid until " in made.errors
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as http:
        headers = {"Authorization": f"Bearer {ticket}"}
        answer = http.post("/livekit/token", json={}, headers=headers)
        assert answer.status_code == 201, answer.text
        token = answer.json()["participant_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        session = http.get("/sessions/by-room/support-7").json()
    assert (claims["sub"], claims["name"]) == ("user-42", "Ann")
    assert claims["exp"] - claims["nbf"] == 60
    assert session["agentConfig"]["greeting"] == "Hi!"


def test_what_is_wrong_is_named(simulator_process: SimulatorProcess, tmp_path: Path) -> None:
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(tmp_path),
    }
    backend = Backend(environ, tmp_path)
    for options, name in (
        (["--user", "a/b"], "userIdentity"),
        (["--agent", "stranger"], "agentName"),
        (["--agent-id", "x"], "agentId"),
        (["--variable", "name"], "--variable"),
        (["--agent-config", "[]"], "--agent-config"),
        (["--ttl", "1000"], "--ttl"),
        (["--variable", "name=Ann"], "variables"),
    ):
        refused = backend("tickets", "create", *options)
        assert refused.code in (1, 2)
        assert name in refused.errors
