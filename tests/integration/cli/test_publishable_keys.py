"""`backend publishable-keys …`."""

from __future__ import annotations

from pathlib import Path

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend


def test_a_key_is_made_listed_and_deleted(tmp_path: Path) -> None:
    backend = Backend({"DATABASE_URL": sqlite_in(tmp_path)}, tmp_path)
    asked = ("publishable-keys", "create", "https://app.example.com", "--tenant", "acme")

    made = backend(*asked, "--per-minute", "30")

    assert made.code == 0
    key = made.output.strip()
    assert key.startswith("pk_")
    assert key not in made.errors
    (row,) = backend.lines("publishable-keys", "list")
    key_id, prefix, tenant, agent, origins, per_minute, _ = row.split("\t")
    assert key.startswith(f"{prefix}_")
    assert (tenant, agent, origins, per_minute) == (
        "acme", "shreya-obnox", "https://app.example.com", "30",
    )  # fmt: skip
    assert backend.lines("publishable-keys", "delete", key_id) == [
        f"Publishable key {key_id} is deleted."
    ]
    assert backend.lines("publishable-keys", "list") == []


def test_an_origin_that_is_none_is_refused(tmp_path: Path) -> None:
    backend = Backend({"DATABASE_URL": sqlite_in(tmp_path)}, tmp_path)

    refused = backend("publishable-keys", "create", "app.example.com")

    assert refused.code != 0
    assert "allowedOrigins" in refused.errors
