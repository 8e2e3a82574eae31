"""Environment → settings: every rule of the contract's table."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.settings import AppEnv, Storage
from entrypoints.settings import InvalidSettings, load_settings

REQUIRED = {
    "LIVEKIT_URL": "wss://example.livekit.cloud",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-nobody-may-see",
}


def problems(environ: dict[str, str], folder: Path) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ, folder)
    return caught.value.problems


def test_the_required_three_are_enough_and_the_rest_has_the_contracts_defaults(
    tmp_path: Path,
) -> None:
    settings = load_settings(REQUIRED, tmp_path)

    assert settings.livekit_url == "wss://example.livekit.cloud"
    assert (settings.host, settings.port) == ("0.0.0.0", 4000)
    assert settings.agent_name == "shreya-obnox"
    assert settings.app_env is AppEnv.DEVELOPMENT
    assert settings.storage is Storage.SQLITE
    assert settings.database_url == "sqlite+aiosqlite:///data/backend.db"
    assert settings.cors_allow_origins == ("*",)


def test_one_message_names_every_missing_and_malformed_variable(tmp_path: Path) -> None:
    environ = {"LIVEKIT_URL": " ", "PORT": "http", "TELEPHONY_ENABLED": "maybe"}

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ, tmp_path)

    message = str(caught.value)
    for name in (
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "PORT",
        "TELEPHONY_ENABLED",
    ):
        assert f"- {name} " in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVEKIT_URL", "example.livekit.cloud"),
        ("LIVEKIT_URL", "ftp://example.livekit.cloud"),
        ("LIVEKIT_URL", "wss://"),
        ("LIVEKIT_URL", "ws://host:port"),
        ("LIVEKIT_URL", "ws://[::1"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "4000.0"),
        ("PORT", "٤٠٠٠"),
        ("AGENT_NAME", "a" * 129),
        ("AGENT_NAME", "a\nb"),
        ("APP_ENV", "prod"),
        ("DATABASE_URL", "postgres://localhost/x"),
        ("DATABASE_URL", "postgresql://localhost/x"),
        ("DATABASE_URL", "sqlite:///x.db"),
        ("DATABASE_URL", "sqlite+aiosqlite://"),
        ("DATABASE_URL", "data/backend.db"),
        ("CORS_ALLOW_ORIGINS", "example.com"),
        ("CORS_ALLOW_ORIGINS", "https://example.com/path"),
        ("CORS_ALLOW_ORIGINS", "https://a.example,nonsense"),
        ("TELEPHONY_ENABLED", "2"),
        ("TELEPHONY_DISPATCH_ON_ANY_PARTICIPANT_JOIN", "ja"),
        ("RATE_LIMIT_ENABLED", "enabled"),
        ("RECONCILE_INTERVAL_SECONDS", "0"),
        ("RECONCILE_INTERVAL_SECONDS", "nan"),
        ("RECONCILE_INTERVAL_SECONDS", "soon"),
    ],
)
def test_a_malformed_variable_is_the_one_problem(name: str, value: str, tmp_path: Path) -> None:
    [problem] = problems({**REQUIRED, name: value}, tmp_path)

    assert problem.startswith(f"{name} must be ")


@pytest.mark.parametrize("value", ["true", "False", "1", "0", "YES", "no", "on", "off"])
def test_booleans_take_every_spelling_of_the_contract(value: str, tmp_path: Path) -> None:
    load_settings({**REQUIRED, "TELEPHONY_ENABLED": value}, tmp_path)


@pytest.mark.parametrize(
    ("url", "storage"),
    [
        ("memory://", Storage.MEMORY),
        ("sqlite+aiosqlite:////var/lib/backend.db", Storage.SQLITE),
        ("postgresql+asyncpg://user:pass@host/db", Storage.POSTGRESQL),
    ],
)
def test_the_database_url_alone_chooses_the_storage(
    url: str, storage: Storage, tmp_path: Path
) -> None:
    settings = load_settings({**REQUIRED, "DATABASE_URL": url}, tmp_path)

    assert (settings.storage, settings.database_url) == (storage, url)


def test_origins_are_split_and_trimmed(tmp_path: Path) -> None:
    environ = {**REQUIRED, "CORS_ALLOW_ORIGINS": "https://a.example , http://localhost:5173/,"}

    settings = load_settings(environ, tmp_path)

    assert settings.cors_allow_origins == ("https://a.example", "http://localhost:5173")


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LIVEKIT_API_KEY=from-file\nAGENT_NAME=from-file\n")

    settings = load_settings({**REQUIRED, "AGENT_NAME": "from-environment"}, tmp_path)

    assert settings.agent_name == "from-environment"
    assert settings.livekit_api_key == "key"


def test_the_env_file_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\n".join(f"{k}={v}" for k, v in REQUIRED.items()))

    assert load_settings({}, tmp_path).livekit_api_key == "key"


def test_no_message_and_no_repr_shows_a_secret(tmp_path: Path) -> None:
    environ = {**REQUIRED, "DATABASE_URL": "postgres://user:hunter2@host/db", "PORT": "x"}

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ, tmp_path)
    settings = load_settings(REQUIRED, tmp_path)

    assert "hunter2" not in str(caught.value)
    assert REQUIRED["LIVEKIT_API_SECRET"] not in str(caught.value) + repr(settings)
