"""Environment → settings: every rule of the contract's table."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from application.settings import AppEnv, Storage
from domain.access.api_key import digest
from entrypoints.settings import InvalidSettings, load_settings, variables

REQUIRED = {
    "LIVEKIT_URL": "wss://example.livekit.cloud",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-nobody-may-see",
}
KEY, OTHER_KEY = "an-api-key-nobody-may-see", "another-key-nobody-may-see"


def problems(environ: dict[str, str], folder: Path) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ, folder)
    return caught.value.problems


def test_the_required_three_are_enough_and_the_rest_has_the_contracts_defaults(
    tmp_path: Path,
) -> None:
    settings = load_settings(REQUIRED, tmp_path)

    assert settings.livekit_url == "wss://example.livekit.cloud"
    assert settings.livekit_public_url == "wss://example.livekit.cloud"
    assert (settings.host, settings.port) == ("0.0.0.0", 4000)
    assert settings.agent_name == "shreya-obnox"
    assert settings.app_env is AppEnv.DEVELOPMENT
    assert settings.storage is Storage.SQLITE
    assert settings.database_url == "sqlite+aiosqlite:///data/backend.db"
    assert settings.cors_allow_origins == ("*",)
    assert settings.telephony_enabled is False
    assert settings.webhook_api_key == "key"
    assert settings.webhook_api_secret == REQUIRED["LIVEKIT_API_SECRET"]
    assert settings.sip_identity_prefix == "sip_"
    assert settings.dispatch_on_any_join is False
    assert settings.reconcile_interval == timedelta(seconds=10)
    assert settings.agent_join_timeout == timedelta(seconds=60)
    assert (settings.room_ignore, settings.trunk_ignore) == ((), ())
    assert settings.inbox_retention == timedelta(days=7)
    assert settings.api_keys == ()
    assert (settings.rate_limit_per_minute, settings.trusted_proxies) == (6000, 0)
    assert settings.max_sessions_per_key == 1000
    assert settings.log_level == "info"
    assert (settings.shutdown_delay, settings.keep_alive) == (timedelta(), timedelta(seconds=65))
    assert (settings.session_retention, settings.call_retention) == (None, None)
    assert settings.store_agent_config is True
    assert (settings.otlp_endpoint, settings.otlp_service_name) == (None, "backend-livekit")


def test_every_variable_of_telephony_and_of_the_ledger_is_read(tmp_path: Path) -> None:
    environ = {
        **REQUIRED,
        "TELEPHONY_ENABLED": "on",
        "LIVEKIT_WEBHOOK_API_KEY": "webhook-key",
        "LIVEKIT_WEBHOOK_API_SECRET": "webhook-secret",
        "TELEPHONY_SIP_IDENTITY_PREFIX": " tel- ",
        "TELEPHONY_DISPATCH_ON_ANY_PARTICIPANT_JOIN": "yes",
        "RECONCILE_INTERVAL_SECONDS": "2.5",
        "INBOX_RETENTION_DAYS": "0.5",
        "API_KEYS": f"{KEY}, {OTHER_KEY},",
    }

    settings = load_settings(environ, tmp_path)

    assert settings.telephony_enabled is True
    assert settings.webhook_api_key == "webhook-key"
    assert settings.webhook_api_secret == "webhook-secret"
    assert settings.livekit_api_key == "key"
    assert settings.livekit_api_secret == REQUIRED["LIVEKIT_API_SECRET"]
    assert settings.sip_identity_prefix == "tel-"
    assert settings.dispatch_on_any_join is True
    assert settings.reconcile_interval == timedelta(seconds=2.5)
    assert settings.inbox_retention == timedelta(hours=12)
    assert [key.digest for key in settings.api_keys] == [digest(KEY), digest(OTHER_KEY)]


def test_fixed_keys_are_tenants_of_their_own_unless_they_name_one(tmp_path: Path) -> None:
    keys = f"{KEY},acme={OTHER_KEY},acme={KEY}2,{'k' * 16}=="
    settings = load_settings({**REQUIRED, "API_KEYS": keys}, tmp_path)

    alone, first, second, base64 = settings.api_keys

    assert (first.tenant, second.tenant) == ("acme", "acme")
    assert first.digest == digest(OTHER_KEY)
    assert base64.digest == digest("k" * 16 + "==")
    assert len({alone.tenant, first.tenant, base64.tenant}) == 3


@pytest.mark.parametrize("name", sorted({
    "TELEPHONY_ENABLED", "LIVEKIT_WEBHOOK_API_KEY", "LIVEKIT_WEBHOOK_API_SECRET",
    "TELEPHONY_SIP_IDENTITY_PREFIX", "TELEPHONY_DISPATCH_ON_ANY_PARTICIPANT_JOIN",
    "RECONCILE_INTERVAL_SECONDS", "INBOX_RETENTION_DAYS", "RATE_LIMIT_ENABLED", "API_KEYS",
}))  # fmt: skip
def test_a_blank_variable_is_an_absent_one(name: str, tmp_path: Path) -> None:
    assert load_settings({**REQUIRED, name: " "}, tmp_path) == load_settings(REQUIRED, tmp_path)


@pytest.mark.parametrize(
    ("present", "absent"),
    [
        ("LIVEKIT_WEBHOOK_API_KEY", "LIVEKIT_WEBHOOK_API_SECRET"),
        ("LIVEKIT_WEBHOOK_API_SECRET", "LIVEKIT_WEBHOOK_API_KEY"),
    ],
)
def test_half_a_webhook_key_is_the_one_problem(present: str, absent: str, tmp_path: Path) -> None:
    [problem] = problems({**REQUIRED, present: "half-a-pair"}, tmp_path)

    assert problem.startswith(f"{absent} is missing")
    assert present in problem
    assert "half-a-pair" not in problem


def test_limits_can_be_set_and_requests_left_uncounted(tmp_path: Path) -> None:
    limits = {"RATE_LIMIT_PER_MINUTE": "7", "TRUSTED_PROXIES": "2", "MAX_SESSIONS_PER_KEY": "5"}

    settings = load_settings({**REQUIRED, **limits}, tmp_path)
    unlimited = load_settings({**REQUIRED, **limits, "RATE_LIMIT_ENABLED": "off"}, tmp_path)

    assert (settings.rate_limit_per_minute, settings.trusted_proxies) == (7, 2)
    assert settings.max_sessions_per_key == 5
    assert unlimited.rate_limit_per_minute is None


@pytest.mark.parametrize(
    ("url", "alone"),
    [
        ("memory://", True),
        ("sqlite+aiosqlite:///a.db", True),
        ("postgresql+asyncpg://h/d", False),
    ],
)
def test_a_process_is_alone_on_its_ledger_or_not(
    url: str,
    alone: bool,  # noqa: FBT001 - a parameter
    tmp_path: Path,
) -> None:
    assert load_settings({**REQUIRED, "DATABASE_URL": url}, tmp_path).serves_alone is alone


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_several_processes_may_serve_on_postgresql(workers: int, tmp_path: Path) -> None:
    shared = {**REQUIRED, "WORKERS": str(workers), "DATABASE_URL": "postgresql://h/d"}

    assert load_settings(shared, tmp_path).workers == workers


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("memory://", "DATABASE_URL=memory://: processes share no memory."),
        ("sqlite+aiosqlite:///a.db", "an SQLite DATABASE_URL (the default): processes compete"),
        ("", "an SQLite DATABASE_URL (the default): processes compete for the file's one writer"),
    ],
)
def test_several_processes_are_refused_where_one_serves(url: str, why: str, tmp_path: Path) -> None:
    [problem] = problems({**REQUIRED, "DATABASE_URL": url, "WORKERS": "2"}, tmp_path)

    assert problem.startswith(f"WORKERS must be 1 with {why}")
    assert problem.endswith(". Set WORKERS=1, or DATABASE_URL to a PostgreSQL database.")


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("DATABASE_URL", {"DATABASE_URL": "mysql://h/d", "WORKERS": "2"}),
        (
            "LIVEKIT_WEBHOOK_API_KEY",
            {"LIVEKIT_WEBHOOK_API_KEY": "two words", "LIVEKIT_WEBHOOK_API_SECRET": "a-secret"},
        ),
    ],
)
def test_given_a_malformed_variable_then_its_default_is_not_judged_with_others(
    name: str, environ: dict[str, str], tmp_path: Path
) -> None:
    [problem] = problems({**REQUIRED, **environ}, tmp_path)

    assert problem.startswith(f"{name} must be ")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("RECONCILE_INTERVAL_SECONDS", ["0.1", "1", "10.0", "86400"]),
        ("AGENT_JOIN_TIMEOUT_SECONDS", ["1", "0060", "3600"]),
        ("INBOX_RETENTION_DAYS", ["0.01", "1", "3650"]),
        ("EVENT_RETENTION_DAYS", ["2", "3650"]),
        ("API_KEYS", ["k" * 16, "k" * 500, ","]),
        ("SHUTDOWN_DELAY_SECONDS", ["0", "3600"]),
        ("KEEP_ALIVE_SECONDS", ["1", "3600"]),
        ("SESSION_RETENTION_DAYS", ["0.01", "30", "36500"]),
        ("CALL_RETENTION_DAYS", ["0.01", "36500"]),
        ("RATE_LIMIT_PER_MINUTE", ["1", "10000000"]),
        ("TRUSTED_PROXIES", ["0", "16"]),
        ("MAX_SESSIONS_PER_KEY", ["1", "10000000"]),
    ],
)
def test_the_ends_of_a_range_belong_to_it(name: str, values: list[str], tmp_path: Path) -> None:
    for value in values:
        load_settings({**REQUIRED, name: value}, tmp_path)


@pytest.mark.parametrize(
    ("host", "read"), [("[::1]", "::1"), ("::", "::"), ("localhost", "localhost")]
)
def test_a_host_may_be_in_brackets_as_in_a_url(host: str, read: str, tmp_path: Path) -> None:
    assert load_settings({**REQUIRED, "HOST": host}, tmp_path).host == read


def test_a_name_in_small_letters_is_named(tmp_path: Path) -> None:
    [problem] = problems(
        {**REQUIRED, "LIVEKIT_API_KEY": "", "livekit_api_key": "the-key"}, tmp_path
    )

    assert problem == (
        "LIVEKIT_API_KEY is missing: 'livekit_api_key' is set; write it in capitals."
    )


def test_given_only_some_variables_are_used_then_the_others_are_not_read(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": "memory://", "PORT": "wrong", "WORKERS": "0", "API_KEYS": "short"}

    settings = load_settings(environ, tmp_path, only=("DATABASE_URL",))

    assert (settings.storage, settings.port) == (Storage.MEMORY, 4000)
    assert (settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret) == (
        "", "", "",
    )  # fmt: skip
    assert settings.livekit_public_url == ""


def test_given_a_public_url_then_clients_get_it_and_the_service_uses_the_other(
    tmp_path: Path,
) -> None:
    environ = {**REQUIRED, "LIVEKIT_PUBLIC_URL": " wss://livekit.example.com "}

    settings = load_settings(environ, tmp_path)

    assert settings.livekit_url == "wss://example.livekit.cloud"
    assert settings.livekit_public_url == "wss://livekit.example.com"


def test_given_a_blank_public_url_then_it_is_the_same(tmp_path: Path) -> None:
    settings = load_settings({**REQUIRED, "LIVEKIT_PUBLIC_URL": " "}, tmp_path)

    assert settings.livekit_public_url == "wss://example.livekit.cloud"


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
        ("LIVEKIT_API_KEY", "<your api key>"),
        ("LIVEKIT_API_KEY", "APIabc\u200b"),
        ("LIVEKIT_API_SECRET", "two words"),
        ("LIVEKIT_API_SECRET", "\udcff"),
        ("HOST", "http://127.0.0.1"),
        ("HOST", "127.0.0.1:4000"),
        ("HOST", "[::1]:4000"),
        ("HOST", "two words"),
        ("PORT", "4" * 5000),
        ("PORT", "\udcff"),
        ("LIVEKIT_URL", "example.livekit.cloud"),
        ("LIVEKIT_URL", "ftp://example.livekit.cloud"),
        ("LIVEKIT_URL", "wss://"),
        ("LIVEKIT_URL", "ws://host:port"),
        ("LIVEKIT_URL", "ws://[::1"),
        ("LIVEKIT_PUBLIC_URL", "livekit.example.com"),
        ("LIVEKIT_PUBLIC_URL", "ftp://livekit.example.com"),
        ("LIVEKIT_PUBLIC_URL", "wss://user@livekit.example.com"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "4000.0"),
        ("PORT", "٤٠٠٠"),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("AGENT_NAME", "a" * 129),
        ("AGENT_NAME", "a\nb"),
        ("APP_ENV", "prod"),
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
        ("RECONCILE_INTERVAL_SECONDS", "-1"),
        ("RECONCILE_INTERVAL_SECONDS", "86401"),
        ("RECONCILE_INTERVAL_SECONDS", "inf"),
        ("RECONCILE_INTERVAL_SECONDS", "1e-9"),
        ("RECONCILE_INTERVAL_SECONDS", "10s"),
        ("RECONCILE_INTERVAL_SECONDS", "1_0"),
        ("RECONCILE_INTERVAL_SECONDS", "\u0661\u0660"),
        ("AGENT_JOIN_TIMEOUT_SECONDS", "0.9"),
        ("AGENT_JOIN_TIMEOUT_SECONDS", "3601"),
        ("EVENT_RETENTION_DAYS", "1"),  # webhooks try for a day
        ("INBOX_RETENTION_DAYS", "0"),
        ("INBOX_RETENTION_DAYS", "-7"),
        ("INBOX_RETENTION_DAYS", "3651"),
        ("INBOX_RETENTION_DAYS", "nan"),
        ("INBOX_RETENTION_DAYS", "a week"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("LOG_LEVEL", "loud"),
        ("SHUTDOWN_DELAY_SECONDS", "-1"),
        ("KEEP_ALIVE_SECONDS", "0.5"),
        ("SESSION_RETENTION_DAYS", "0"),
        ("CALL_RETENTION_DAYS", "ever"),
        ("STORE_AGENT_CONFIG", "never"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("TRUSTED_PROXIES", "17"),
        ("TRUSTED_PROXIES", "-1"),
        ("MAX_SESSIONS_PER_KEY", "0"),
        ("API_KEYS", "too-short"),
        ("API_KEYS", f"{'k' * 16},short"),
        ("API_KEYS", "k" * 15 + "ü"),
        ("API_KEYS", "k" * 15 + "\t" + "k"),
    ],
)
def test_a_malformed_variable_is_the_one_problem(name: str, value: str, tmp_path: Path) -> None:
    [problem] = problems({**REQUIRED, name: value}, tmp_path)

    assert problem.startswith(f"{name} must ")
    assert len(problem) < 400


@pytest.mark.parametrize("value", ['"key"', "'key'", ' "key" ', "key\n"])
def test_quotes_that_docker_s_env_file_passes_on_are_taken_off(value: str, tmp_path: Path) -> None:
    assert load_settings({**REQUIRED, "LIVEKIT_API_KEY": value}, tmp_path).livekit_api_key == "key"


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


def test_ignored_rooms_and_trunks_are_split_and_trimmed(tmp_path: Path) -> None:
    environ = {**REQUIRED, "ROOM_IGNORE": " consult-*, Lobby ,,", "TRUNK_IGNORE": "ST_[ab]?"}

    settings = load_settings(environ, tmp_path)

    assert settings.room_ignore == ("consult-*", "Lobby")
    assert settings.trunk_ignore == ("ST_[ab]?",)


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LIVEKIT_API_KEY=from-file\nAGENT_NAME=from-file\n")

    settings = load_settings({**REQUIRED, "AGENT_NAME": "from-environment"}, tmp_path)

    assert settings.agent_name == "from-environment"
    assert settings.livekit_api_key == "key"


def test_the_env_file_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\n".join(f"{k}={v}" for k, v in REQUIRED.items()))

    assert load_settings({}, tmp_path).livekit_api_key == "key"


def test_no_message_shows_a_secret(tmp_path: Path) -> None:
    secrets = {
        "LIVEKIT_API_SECRET": "hunter-1",
        "LIVEKIT_WEBHOOK_API_SECRET": "hunter-2",
        "DATABASE_URL": "mysql://user:hunter-3@host/db",
        "API_KEYS": f"{KEY},hunter-4",
    }

    with pytest.raises(InvalidSettings) as caught:
        load_settings({**REQUIRED, **secrets, "PORT": "x"}, tmp_path)

    assert {problem.split(" ")[0] for problem in caught.value.problems} == {
        "PORT", "DATABASE_URL", "API_KEYS", "LIVEKIT_WEBHOOK_API_KEY",
    }  # fmt: skip
    assert "hunter" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    secrets = {
        "LIVEKIT_API_SECRET": "hunter-1",
        "LIVEKIT_WEBHOOK_API_KEY": "webhook-key",
        "LIVEKIT_WEBHOOK_API_SECRET": "hunter-2",
        "DATABASE_URL": "postgresql+asyncpg://user:hunter-3@host/db",
        "API_KEYS": f"{KEY},hunter-4-and-16-characters",
    }

    settings = load_settings({**REQUIRED, **secrets}, tmp_path)

    assert "hunter" not in repr(settings)
    assert KEY not in repr(settings)
    assert "webhook-key" in repr(settings)


def test_traces_need_an_extra_that_a_message_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = {**REQUIRED, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert load_settings(traced, tmp_path).otlp_endpoint == "http://127.0.0.1:4318"
    monkeypatch.setattr("entrypoints.settings.observability.find_spec", lambda _name: None)

    with pytest.raises(InvalidSettings, match=r"pip install 'backend-livekit\[otel\]'"):
        load_settings(traced, tmp_path)


def test_the_example_file_lists_every_variable_that_is_read() -> None:
    example = (Path(__file__).parents[3] / ".env.example").read_text()

    listed = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", example, re.MULTILINE)

    assert sorted(listed) == sorted(variable.name for variable in variables().values())
