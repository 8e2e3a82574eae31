"""Environment → settings.

The variables, their defaults and their rules are the contract's; ``.env.example`` lists them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path

from application.settings import DEFAULT_AGENT_NAME, AppEnv, Settings, Storage
from domain.access.api_key import FixedKey
from entrypoints.settings import parsers
from entrypoints.settings.database_url import parse_database_url
from entrypoints.settings.env_file import UnreadableEnvFile, read_env_file
from entrypoints.settings.livekit_url import parse_livekit_url
from entrypoints.settings.reader import Reader


class InvalidSettings(Exception):
    """One or more variables are missing or malformed; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"backend-livekit cannot start, because its configuration is incomplete or wrong:\n"
            f"{lines}\n"
            "Set these in the environment or in a .env file in the working folder; "
            ".env.example shows every variable."
        )


def load_settings(
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    only: Collection[str] | None = None,
) -> Settings:
    """Return the settings in ``environ`` (default: the process's) over ``folder``'s ``.env``.

    ``only`` names the variables that the caller uses. The others are not read: they have their
    defaults, and LiveKit's address and keys are empty. None reads all.
    Raises :class:`InvalidSettings` naming every wrong variable; never a secret's value.
    """
    reader = Reader(read_environment(environ, folder), only)
    livekit_url = reader.required("LIVEKIT_URL", parse_livekit_url)
    api_key = reader.required("LIVEKIT_API_KEY", parsers.credential)
    api_secret = reader.required("LIVEKIT_API_SECRET", parsers.credential)
    host = reader.optional("HOST", parsers.host, "0.0.0.0")  # noqa: S104 - the contract's default
    port = reader.optional("PORT", parsers.whole(1, 65535), 4000)
    workers = reader.optional("WORKERS", parsers.whole(1, 64), 1)
    shutdown_delay = reader.optional(
        "SHUTDOWN_DELAY_SECONDS", parsers.amount("seconds", 0.0, 3600), 0.0
    )
    keep_alive = reader.optional("KEEP_ALIVE_SECONDS", parsers.amount("seconds", 1.0, 3600), 65.0)
    agent_name = reader.optional("AGENT_NAME", parsers.agent_name, DEFAULT_AGENT_NAME)
    app_env = reader.optional("APP_ENV", parsers.app_env, AppEnv.DEVELOPMENT)
    storage, database_url = reader.optional(
        "DATABASE_URL", parse_database_url, (Storage.SQLITE, "sqlite+aiosqlite:///data/backend.db")
    )
    every: tuple[str, ...] = ("*",)
    origins = reader.optional("CORS_ALLOW_ORIGINS", parsers.origins, every)
    telephony = reader.optional("TELEPHONY_ENABLED", parsers.boolean, False)  # noqa: FBT003
    any_join = reader.optional(
        "TELEPHONY_DISPATCH_ON_ANY_PARTICIPANT_JOIN",
        parsers.boolean,
        False,  # noqa: FBT003
    )
    webhook_key = reader.optional("LIVEKIT_WEBHOOK_API_KEY", parsers.credential, None)
    webhook_secret = reader.optional("LIVEKIT_WEBHOOK_API_SECRET", parsers.credential, None)
    if (webhook_key is None) != (webhook_secret is None):
        present, absent = "KEY", "SECRET"
        if webhook_key is None:
            present, absent = absent, present
        reader.problems.append(
            f"LIVEKIT_WEBHOOK_API_{absent} is missing: it belongs to LIVEKIT_WEBHOOK_API_{present}."
        )
    prefix = reader.optional("TELEPHONY_SIP_IDENTITY_PREFIX", parsers.text, "sip_")
    interval = reader.optional(
        "RECONCILE_INTERVAL_SECONDS", parsers.amount("seconds", 0.1, 86400), 10.0
    )
    join_timeout = reader.optional(
        "AGENT_JOIN_TIMEOUT_SECONDS", parsers.amount("seconds", 1, 3600), 60.0
    )
    no_patterns: tuple[str, ...] = ()
    room_ignore = reader.optional("ROOM_IGNORE", parsers.patterns, no_patterns)
    trunk_ignore = reader.optional("TRUNK_IGNORE", parsers.patterns, no_patterns)
    retention = reader.optional("INBOX_RETENTION_DAYS", parsers.amount("days", 0.01, 3650), 7.0)
    session_retention = reader.optional("SESSION_RETENTION_DAYS", parsers.days, None)
    call_retention = reader.optional("CALL_RETENTION_DAYS", parsers.days, None)
    store_config = reader.optional("STORE_AGENT_CONFIG", parsers.boolean, True)  # noqa: FBT003
    none: tuple[FixedKey, ...] = ()
    api_keys = reader.optional("API_KEYS", parsers.api_keys, none)
    limited = reader.optional("RATE_LIMIT_ENABLED", parsers.boolean, True)  # noqa: FBT003
    per_minute = reader.optional("RATE_LIMIT_PER_MINUTE", parsers.whole(1, 10_000_000), 6000)
    trusted_proxies = reader.optional("TRUSTED_PROXIES", parsers.whole(0, 16), 0)
    max_sessions = reader.optional("MAX_SESSIONS_PER_KEY", parsers.whole(1, 10_000_000), 1000)
    log_level = reader.optional("LOG_LEVEL", parsers.log_level, "info")
    otlp_endpoint = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT", parsers.otlp_endpoint, None)
    service_name = reader.optional("OTEL_SERVICE_NAME", parsers.text, "backend-livekit")
    if workers > 1 and storage is Storage.MEMORY:
        reader.problems.append(
            "WORKERS must be 1 with DATABASE_URL=memory://: processes share no memory."
        )
    if reader.problems:
        raise InvalidSettings(reader.problems)
    return Settings(
        livekit_url=livekit_url or "",
        livekit_api_key=api_key or "",
        livekit_api_secret=api_secret or "",
        host=host,
        port=port,
        workers=workers,
        shutdown_delay=timedelta(seconds=shutdown_delay),
        keep_alive=timedelta(seconds=keep_alive),
        agent_name=agent_name,
        app_env=app_env,
        storage=storage,
        database_url=database_url,
        cors_allow_origins=origins,
        telephony_enabled=telephony,
        webhook_api_key=webhook_key or api_key or "",
        webhook_api_secret=webhook_secret or api_secret or "",
        sip_identity_prefix=prefix,
        dispatch_on_any_join=any_join,
        reconcile_interval=timedelta(seconds=interval),
        agent_join_timeout=timedelta(seconds=join_timeout),
        room_ignore=room_ignore,
        trunk_ignore=trunk_ignore,
        inbox_retention=timedelta(days=retention),
        session_retention=session_retention,
        call_retention=call_retention,
        store_agent_config=store_config,
        api_keys=api_keys,
        rate_limit_per_minute=per_minute if limited else None,
        trusted_proxies=trusted_proxies,
        max_sessions_per_key=max_sessions,
        log_level=log_level,
        otlp_endpoint=otlp_endpoint,
        otlp_service_name=service_name,
    )


def read_environment(
    environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Return ``environ`` (default: the process's) over what ``folder``'s ``.env`` sets.

    A blank variable does not hide the file's: Docker Compose passes variables that are not set
    as blank ones. Raises :class:`InvalidSettings` for a file that cannot be read.
    """
    try:
        from_file = read_env_file((folder or Path()) / ".env")
    except UnreadableEnvFile as error:
        raise InvalidSettings([str(error)]) from None
    given = os.environ if environ is None else environ
    return {
        **given,
        **{name: text for name, text in from_file.items() if not given.get(name, "").strip()},
    }
