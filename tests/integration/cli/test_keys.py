"""`backend keys …`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend
from tests.integration.http.webhooks import eventually
from tests.service import running
from tests.simulator import running_simulator


@pytest.fixture
def keyless(tmp_path: Path) -> Iterator[tuple[Backend, httpx.Client]]:
    """A service on a ledger of its own without any key, and the command line on the same."""
    database = {"DATABASE_URL": sqlite_in(tmp_path)}
    with (
        running_simulator() as simulator,
        running({**simulator.environ, **database}, tmp_path) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        yield Backend({**simulator.environ, **database}, tmp_path), client


def status(client: httpx.Client, key: str = "") -> int:
    return client.get("/sessions", headers={"X-API-Key": key}).status_code


@pytest.mark.slow
def test_a_key_that_is_made_is_needed_within_seconds_and_opens_until_it_is_revoked(
    keyless: tuple[Backend, httpx.Client],
) -> None:
    backend, client = keyless
    assert status(client) == 200

    made = backend("keys", "create", "a frontend", "--scope", "calls:read", "--days", "30")

    key = made.output.strip()
    assert made.code == 0
    assert "the only time" in made.errors
    assert key not in made.errors
    eventually(lambda: status(client), lambda code: code == 401)
    assert status(client, key) == 200
    assert client.post("/session", json={}, headers={"X-API-Key": key}).status_code == 403
    # A key's last use is stored a moment after the answer.
    eventually(lambda: backend.lines("keys", "list")[0].split("\t")[5], bool)
    (row,) = backend.lines("keys", "list")
    prefix, name, tenant, scopes, _, used, expires, state = row.split("\t")
    assert key.startswith(f"{prefix}_")
    assert (name, scopes, state) == ("a frontend", "calls:read", "works")
    assert tenant
    assert used
    assert expires > used

    assert backend.lines("keys", "revoke", prefix) == [f"Key {prefix} is revoked."]

    eventually(lambda: status(client, key), lambda code: code == 401)
    assert backend.lines("keys", "list")[0].endswith("\trevoked")


@pytest.mark.slow
def test_a_key_is_replaced_without_a_moment_in_which_none_works(
    keyless: tuple[Backend, httpx.Client],
) -> None:
    backend, client = keyless
    old = backend("keys", "create", "a frontend", "--tenant", "acme").output.strip()
    eventually(lambda: status(client), lambda code: code == 401)
    body = {"userIdentity": "ann", "roomName": "kept"}
    client.post("/session", json=body, headers={"X-API-Key": old}).raise_for_status()

    rotated = backend("keys", "rotate", old, "--grace-hours", "0.0005")

    new = rotated.output.strip()
    assert "0.0005 more hours" in rotated.errors
    assert client.get("/sessions/by-room/kept", headers={"X-API-Key": new}).status_code == 200
    eventually(lambda: status(client, old), lambda code: code == 401)
    assert status(client, new) == 200
    assert [row.split("\t")[2] for row in backend.lines("keys", "list")] == ["acme", "acme"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", ""), "name must be 1 to 128 printable characters."),
        (("create", "a", "--scope", "all"), "scope must be one of "),
        (("revoke", "blk_unknown"), "There is no key blk_unknown; `backend keys list` shows them."),
        (("rotate", "blk_unknown"), "There is no key blk_unknown; `backend keys list` shows them."),
    ],
)
def test_a_wrong_wish_is_told_in_a_sentence(
    backend: Backend, arguments: tuple[str, ...], sentence: str
) -> None:
    result = backend("keys", *arguments)

    assert result.code == 1
    assert result.sentence.startswith(sentence)


def test_keys_are_not_made_for_a_ledger_in_memory(backend: Backend) -> None:
    result = backend.with_environ(DATABASE_URL="memory://")("keys", "create", "a")

    assert result.code == 1
    assert "DATABASE_URL is memory://" in result.sentence
