"""What can be set, as plain types. ``entrypoints/settings.py`` reads them from the environment."""

from __future__ import annotations

import enum
from datetime import timedelta

import attrs

from domain.access.api_key import FixedKey

LIVEKIT_CONNECT_LIMIT = timedelta(seconds=3)
LIVEKIT_TOTAL_LIMIT = timedelta(seconds=10)
CLAIM_LEASE = timedelta(seconds=15)
"""Longer than one LiveKit API call can take, so that a holder that lives keeps its claim."""
DEFAULT_AGENT_NAME = "shreya-obnox"
"""The name that the workers of the existing Express service register.

This service replaces that one: with the same default, deployed workers go on working unchanged.
"""
READINESS_GOOD_FOR = timedelta(seconds=1)
"""Anybody may ask for it, and asking LiveKit takes a connection from who starts a session."""


class AppEnv(enum.StrEnum):
    """``production`` hides the development-only routes."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Storage(enum.StrEnum):
    """The storage backends."""

    MEMORY = "memory"
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@attrs.frozen(kw_only=True)
class Settings:
    """The service's settings, checked. ``repr`` shows no secret."""

    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str = attrs.field(repr=False)
    host: str
    port: int
    workers: int
    shutdown_delay: timedelta
    keep_alive: timedelta
    agent_name: str
    app_env: AppEnv
    storage: Storage
    database_url: str = attrs.field(repr=False)
    cors_allow_origins: tuple[str, ...]
    telephony_enabled: bool
    webhook_api_key: str
    webhook_api_secret: str = attrs.field(repr=False)
    sip_identity_prefix: str
    dispatch_on_any_join: bool
    reconcile_interval: timedelta
    agent_join_timeout: timedelta
    room_ignore: tuple[str, ...]
    trunk_ignore: tuple[str, ...]
    inbox_retention: timedelta
    session_retention: timedelta | None
    call_retention: timedelta | None
    store_agent_config: bool
    api_keys: tuple[FixedKey, ...] = attrs.field(repr=False)
    rate_limit_per_minute: int | None
    trusted_proxies: int
    max_sessions_per_key: int
    log_level: str
    otlp_endpoint: str | None
    otlp_service_name: str

    @property
    def serves_alone(self) -> bool:
        """Whether no other process can serve on this ledger."""
        return self.storage is Storage.MEMORY or (
            self.storage is Storage.SQLITE and self.workers == 1
        )
