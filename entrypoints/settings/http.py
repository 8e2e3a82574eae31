"""The HTTP server."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import attrs

from application.settings import AppEnv
from entrypoints.settings import parsers
from entrypoints.settings.origins import parse_origin
from entrypoints.settings.variable import optional

_LONGEST_ORIGIN: Final = 255


def _app_env(raw: str) -> AppEnv:
    try:
        return AppEnv(raw.lower())
    except ValueError:
        raise ValueError(
            f"must be development or production, not '{parsers.shown(raw)}'."
        ) from None


def _origins(raw: str) -> tuple[str, ...]:
    found = []
    for entry in filter(None, (part.strip() for part in raw.split(","))):
        if len(entry) > _LONGEST_ORIGIN or not entry.isprintable():
            raise ValueError(
                f"must be * or origins of at most {_LONGEST_ORIGIN} printable characters each, "
                "separated by commas."
            )
        try:
            found.append(parse_origin(entry))
        except ValueError as error:
            masked = re.sub("//.*@", "//…@", entry)  # a password
            raise ValueError(
                "must be * or a comma-separated list of origins such as https://app.example.com, "
                f"https://*.example.com or capacitor://localhost; '{parsers.shown(masked)}' "
                f"{error}."
            ) from None
    return tuple(found)


@attrs.frozen(kw_only=True, slots=False)
class HttpSettings:
    """Where the HTTP server listens, and how it serves."""

    host: str = optional("HOST", parsers.host, "0.0.0.0")  # noqa: S104 - the contract's default
    port: int = optional("PORT", parsers.whole(1, 65535), 4000)
    app_env: AppEnv = optional("APP_ENV", _app_env, AppEnv.DEVELOPMENT)
    cors_allow_origins: tuple[str, ...] = optional("CORS_ALLOW_ORIGINS", _origins, ("*",))
    trusted_proxies: int = optional("TRUSTED_PROXIES", parsers.whole(0, 16), 0)
    shutdown_delay: timedelta = optional(
        "SHUTDOWN_DELAY_SECONDS", parsers.seconds(0.0, 3600), timedelta()
    )
    keep_alive: timedelta = optional(
        "KEEP_ALIVE_SECONDS", parsers.seconds(1.0, 3600), timedelta(seconds=65)
    )
