"""A command needs the variables that it uses, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.backend import Backend

WRONG = {
    "LIVEKIT_URL": "nonsense",
    "LIVEKIT_API_KEY": "",
    "LIVEKIT_WEBHOOK_API_KEY": "half-a-pair",
    "PORT": "x",
    "WORKERS": "0",
    "API_KEYS": "short",
    "STORE_AGENT_CONFIG": "perhaps",
    "LOG_LEVEL": "loud",
}


@pytest.fixture(params=["absent", "wrong"])
def ledger(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Backend:
    """A command line that knows DATABASE_URL; every other variable is absent, or wrong."""
    others = {} if request.param == "absent" else WRONG
    return Backend({**others, "DATABASE_URL": sqlite_url}, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ("migrate",),
        ("keys", "list"),
        ("keys", "create", "frontend"),
        ("calls", "list"),
        ("inbox", "list"),
        ("inbox", "replay", "--dead"),
        ("forget", "--identity", "ann", "--yes"),
        ("version",),
    ],
)
def test_given_the_database_url_alone_then_a_command_on_the_ledger_succeeds(
    ledger: Backend, arguments: tuple[str, ...]
) -> None:
    result = ledger(*arguments)

    assert result.code == 0, result.errors


def test_given_the_database_url_alone_then_a_backup_is_made_and_restored(
    ledger: Backend, tmp_path: Path
) -> None:
    ledger.lines("migrate")

    assert ledger("backup", str(tmp_path / "copy.db")).code == 0
    assert ledger("restore", str(tmp_path / "copy.db")).code == 0


def test_given_no_variable_then_the_default_database_is_migrated(tmp_path: Path) -> None:
    assert Backend({}, tmp_path)("migrate").code == 0
    assert (tmp_path / "data" / "backend.db").is_file()


def test_given_a_wrong_database_url_then_a_command_on_the_ledger_names_it_alone(
    ledger: Backend,
) -> None:
    result = ledger.with_environ(DATABASE_URL="mysql://user:hunter@host/db")("migrate")

    assert result.code == 2
    assert "- DATABASE_URL must be" in result.errors
    assert result.errors.count("\n  - ") == 1
    assert "hunter" not in result.errors


def test_given_no_key_then_a_command_that_signs_names_it_and_nothing_else(tmp_path: Path) -> None:
    result = Backend({"DATABASE_URL": "nonsense", "WORKERS": "0"}, tmp_path)(
        "simulate-call", "--url", "http://127.0.0.1:9"
    )

    assert result.code == 2
    assert "- LIVEKIT_API_KEY is missing" in result.errors
    assert "- LIVEKIT_API_SECRET is missing" in result.errors
    assert result.errors.count("\n  - ") == 2


def test_given_the_webhooks_own_key_then_a_command_that_signs_needs_no_other(
    backend: Backend, url: str, tmp_path: Path
) -> None:
    signing = {
        "LIVEKIT_WEBHOOK_API_KEY": backend.environ["LIVEKIT_API_KEY"],
        "LIVEKIT_WEBHOOK_API_SECRET": backend.environ["LIVEKIT_API_SECRET"],
    }

    lines = Backend(signing, tmp_path).lines("simulate-call", "--url", url, "--seconds", "0")

    assert lines[0].startswith("participant_joined: 200")


def test_given_an_env_file_that_cannot_be_read_then_every_command_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=4000\nX=\xff\n")

    result = Backend({}, tmp_path)("keys", "list")

    assert result.code == 2
    assert "- .env line 2 is not UTF-8 text" in result.errors
