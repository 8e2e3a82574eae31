"""Environment → settings.

The variables, their defaults and their rules are the contract's; ``.env.example`` lists them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values

from application.settings import AppEnv, Settings, Storage
from domain.api_key import FixedKey, digest
from entrypoints.origins import parse_origin

T = TypeVar("T")

_DECIMAL: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
_NAMED_KEY: Final = re.compile(r"(?P<tenant>[a-z][a-z0-9-]{0,31})=(?P<key>.{16,})", re.ASCII)
_TRUE: Final = ("true", "1", "yes", "on")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_FALSE: Final = ("false", "0", "no", "off")
_STORAGES: Final[Mapping[str, Storage]] = {
    "memory": Storage.MEMORY,
    "sqlite+aiosqlite": Storage.SQLITE,
    "postgresql+asyncpg": Storage.POSTGRESQL,
}


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


def load_settings(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """The settings in ``environ`` (default: the process's) over those in ``folder``'s ``.env``.

    Raises :class:`InvalidSettings` naming every wrong variable; never a secret's value.
    """
    reader = _Reader(read_environment(environ, folder))
    livekit_url = reader.required("LIVEKIT_URL", _livekit_url)
    api_key = reader.required("LIVEKIT_API_KEY", _text)
    api_secret = reader.required("LIVEKIT_API_SECRET", _text)
    host = reader.optional("HOST", _text, "0.0.0.0")  # noqa: S104 - the contract's default
    port = reader.optional("PORT", _whole(1, 65535), 4000)
    workers = reader.optional("WORKERS", _whole(1, 64), 1)
    shutdown_delay = reader.optional("SHUTDOWN_DELAY_SECONDS", _amount("seconds", 0.0, 3600), 0.0)
    keep_alive = reader.optional("KEEP_ALIVE_SECONDS", _amount("seconds", 1.0, 3600), 65.0)
    agent_name = reader.optional("AGENT_NAME", _agent_name, "shreya-obnox")
    app_env = reader.optional("APP_ENV", _app_env, AppEnv.DEVELOPMENT)
    storage, database_url = reader.optional(
        "DATABASE_URL", _database_url, (Storage.SQLITE, "sqlite+aiosqlite:///data/backend.db")
    )
    every: tuple[str, ...] = ("*",)
    origins = reader.optional("CORS_ALLOW_ORIGINS", _origins, every)
    telephony = reader.optional("TELEPHONY_ENABLED", _boolean, False)  # noqa: FBT003
    any_join = reader.optional(
        "TELEPHONY_DISPATCH_ON_ANY_PARTICIPANT_JOIN",
        _boolean,
        False,  # noqa: FBT003
    )
    webhook_key = reader.optional("LIVEKIT_WEBHOOK_API_KEY", _text, None)
    webhook_secret = reader.optional("LIVEKIT_WEBHOOK_API_SECRET", _text, None)
    if (webhook_key is None) != (webhook_secret is None):
        present, absent = "KEY", "SECRET"
        if webhook_key is None:
            present, absent = absent, present
        reader.problems.append(
            f"LIVEKIT_WEBHOOK_API_{absent} is missing: it belongs to LIVEKIT_WEBHOOK_API_{present}."
        )
    prefix = reader.optional("TELEPHONY_SIP_IDENTITY_PREFIX", _text, "sip_")
    interval = reader.optional("RECONCILE_INTERVAL_SECONDS", _amount("seconds", 0.1, 86400), 10.0)
    retention = reader.optional("INBOX_RETENTION_DAYS", _amount("days", 0.01, 3650), 7.0)
    session_retention = reader.optional("SESSION_RETENTION_DAYS", _days, None)
    call_retention = reader.optional("CALL_RETENTION_DAYS", _days, None)
    store_config = reader.optional("STORE_AGENT_CONFIG", _boolean, True)  # noqa: FBT003
    none: tuple[FixedKey, ...] = ()
    api_keys = reader.optional("API_KEYS", _api_keys, none)
    limited = reader.optional("RATE_LIMIT_ENABLED", _boolean, True)  # noqa: FBT003
    per_minute = reader.optional("RATE_LIMIT_PER_MINUTE", _whole(1, 10_000_000), 6000)
    trusted_proxies = reader.optional("TRUSTED_PROXIES", _whole(0, 16), 0)
    max_sessions = reader.optional("MAX_SESSIONS_PER_KEY", _whole(1, 10_000_000), 1000)
    log_level = reader.optional("LOG_LEVEL", _log_level, "info")
    otlp_endpoint = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT", _otlp_endpoint, None)
    service_name = reader.optional("OTEL_SERVICE_NAME", _text, "backend-livekit")
    if workers > 1 and storage is Storage.MEMORY:
        reader.problems.append(
            "WORKERS must be 1 with DATABASE_URL=memory://: processes share no memory."
        )
    if reader.problems or livekit_url is None or api_key is None or api_secret is None:
        raise InvalidSettings(reader.problems)
    return Settings(
        livekit_url=livekit_url,
        livekit_api_key=api_key,
        livekit_api_secret=api_secret,
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
        webhook_api_key=webhook_key or api_key,
        webhook_api_secret=webhook_secret or api_secret,
        sip_identity_prefix=prefix,
        dispatch_on_any_join=any_join,
        reconcile_interval=timedelta(seconds=interval),
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
    """``environ`` (default: the process's) over what ``folder``'s ``.env`` sets."""
    env_file = (folder or Path.cwd()) / ".env"
    from_file = dotenv_values(env_file, interpolate=False) if env_file.is_file() else {}
    present = {name: value for name, value in from_file.items() if value}
    return {**present, **(os.environ if environ is None else environ)}


class _Reader:
    """Reads one variable after another and remembers what was wrong. Blank means absent."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[str] = []

    def required(self, name: str, parse: Callable[[str], T]) -> T | None:
        raw = self._values.get(name, "").strip()
        if not raw:
            self.problems.append(f"{name} is missing: {_HINTS[name]}")
            return None
        return self._parsed(name, parse, raw)

    def optional(self, name: str, parse: Callable[[str], T], default: T) -> T:
        raw = self._values.get(name, "").strip()
        value = self._parsed(name, parse, raw) if raw else default
        return default if value is None else value

    def _parsed(self, name: str, parse: Callable[[str], T], raw: str) -> T | None:
        try:
            return parse(raw)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return None


_HINTS: Final[Mapping[str, str]] = {
    "LIVEKIT_URL": "the address of your LiveKit server, for example wss://my-project.livekit.cloud "
    "or ws://127.0.0.1:7880.",
    "LIVEKIT_API_KEY": "the API key that your LiveKit server knows.",
    "LIVEKIT_API_SECRET": "the secret that belongs to LIVEKIT_API_KEY.",
}


def _text(raw: str) -> str:
    return raw


def _livekit_url(raw: str) -> str:
    try:
        url = urlsplit(raw)
        valid = url.scheme in ("ws", "wss", "http", "https") and bool(url.hostname)
        _ = url.port  # raises for a port that is no number
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(
            "must be a ws://, wss://, http:// or https:// address, "
            "for example wss://my-project.livekit.cloud."
        )
    return raw


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not (raw.isascii() and raw.isdigit() and least <= int(raw) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}, not '{raw}'.")
        return int(raw)

    return parse


def _amount(unit: str, least: float, most: float) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        if not (_DECIMAL.fullmatch(raw) and least <= float(raw) <= most):
            raise ValueError(f"must be a number of {unit} from {least} to {most}, not '{raw}'.")
        return float(raw)

    return parse


def _days(raw: str) -> timedelta:
    return timedelta(days=_amount("days", 0.01, 36500)(raw))


def _api_keys(raw: str) -> tuple[FixedKey, ...]:
    """Keys, each a tenant by itself, or ``tenant=key``: keys that see the same."""
    found: list[FixedKey] = []
    for entry in (part.strip() for part in raw.split(",")):
        named = _NAMED_KEY.fullmatch(entry)
        key = named["key"] if named else entry
        if key and (len(key) < 16 or not key.isascii() or not key.isprintable()):
            raise ValueError(
                "must be a comma-separated list of keys of at least 16 printable characters, "
                "each by itself or as tenant=key; make one with: openssl rand -hex 32"
            )
        if key:
            hashed = digest(key)
            found.append(
                FixedKey(tenant=named["tenant"] if named else f"key-{hashed[:16]}", digest=hashed)
            )
    return tuple(found)


def _boolean(raw: str) -> bool:
    if raw.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(f"must be one of true/false/1/0/yes/no/on/off, not '{raw}'.")
    return raw.lower() in _TRUE


def _otlp_endpoint(raw: str) -> str:
    url = urlsplit(raw)
    if url.scheme not in ("http", "https") or not url.netloc:
        raise ValueError("must be a collector's address, for example http://127.0.0.1:4318.")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise ValueError("needs the extra 'otel': pip install 'backend-livekit[otel]'.")
    return raw


def _log_level(raw: str) -> str:
    if raw.lower() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}, not '{raw}'.")
    return raw.lower()


def _agent_name(raw: str) -> str:
    if len(raw) > 128 or not raw.isprintable():
        raise ValueError("must be 1 to 128 printable characters: the worker's registered name.")
    return raw


def _app_env(raw: str) -> AppEnv:
    try:
        return AppEnv(raw.lower())
    except ValueError:
        raise ValueError(f"must be development or production, not '{raw}'.") from None


def _database_url(raw: str) -> tuple[Storage, str]:
    scheme, separator, rest = raw.partition("://")
    storage = _STORAGES.get(scheme)
    if storage is None or not separator or (storage is Storage.SQLITE and len(rest) < 2):
        raise ValueError(
            "must be memory://, sqlite+aiosqlite:///path/to/file.db or "
            "postgresql+asyncpg://user:password@host/database."
        )
    return storage, raw


def _origins(raw: str) -> tuple[str, ...]:
    origins = []
    for entry in filter(None, (part.strip() for part in raw.split(","))):
        try:
            origins.append(parse_origin(entry))
        except ValueError as error:
            shown = re.sub("//.*@", "//…@", entry)  # a password
            raise ValueError(
                "must be * or a comma-separated list of origins such as https://app.example.com, "
                f"https://*.example.com or capacitor://localhost; '{shown}' {error}."
            ) from None
    return tuple(origins)
