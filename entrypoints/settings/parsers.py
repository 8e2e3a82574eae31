"""What a variable's text means. Each parser raises ValueError, with the end of a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from application.settings import AppEnv
from domain.access.api_key import FixedKey, digest
from entrypoints.settings.origins import parse_origin

_DECIMAL: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
_NAMED_KEY: Final = re.compile(r"(?P<tenant>[a-z][a-z0-9-]{0,31})=(?P<key>.{16,})", re.ASCII)
_SHOWN: Final = 60
_LONGEST_ORIGIN: Final = 255
_TRUE: Final = ("true", "1", "yes", "on")
_FALSE: Final = ("false", "0", "no", "off")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_HOST: Final = re.compile(r"[^\s/\\@?#*\[\]]+")


def shown(raw: str) -> str:
    """Return the beginning of a value as a message may show it: without control characters."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in raw[:_SHOWN]
    )


def text(raw: str) -> str:
    """Take any text that can be seen."""
    if not raw.isprintable():
        raise ValueError("must be without control and invisible characters.")
    return raw


def credential(raw: str) -> str:
    """Take a key or a secret as it is copied: without spaces or invisible characters."""
    if raw[0] == "<" and raw[-1] == ">":
        raise ValueError("must be your own value, in place of the template's <...>.")
    if not raw.isprintable() or " " in raw:
        raise ValueError("must be without spaces and invisible characters; copy it again.")
    return raw


def host(raw: str) -> str:
    """Take a name or an IP address; an IPv6 address may be in brackets, as in a URL."""
    name = raw[1:-1] if raw[0] == "[" and raw[-1] == "]" else raw
    if not _HOST.fullmatch(name) or not name.isprintable() or _has_port(name):
        raise ValueError(
            "must be a host name or an IP address of this machine, such as 127.0.0.1 or ::1, "
            "without a scheme and without a port."
        )
    return name


def _has_port(name: str) -> bool:
    return name.count(":") == 1


def whole(least: int, most: int) -> Callable[[str], int]:
    """Take a whole number in a range."""

    def parse(raw: str) -> int:
        digits = raw.isascii() and raw.isdigit() and len(raw) < 20
        if not (digits and least <= int(raw) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}, not '{shown(raw)}'.")
        return int(raw)

    return parse


def amount(unit: str, least: float, most: float) -> Callable[[str], float]:
    """Take a decimal number in a range."""

    def parse(raw: str) -> float:
        if not (_DECIMAL.fullmatch(raw) and least <= float(raw) <= most):
            raise ValueError(
                f"must be a number of {unit} from {least} to {most}, not '{shown(raw)}'."
            )
        return float(raw)

    return parse


def days(raw: str) -> timedelta:
    """Take a retention time."""
    return timedelta(days=amount("days", 0.01, 36500)(raw))


def patterns(raw: str) -> tuple[str, ...]:
    """Take names and shell patterns, for :func:`fnmatch.fnmatchcase`; leave out blank ones."""
    return tuple(pattern for part in raw.split(",") if (pattern := part.strip()))


def api_keys(raw: str) -> tuple[FixedKey, ...]:
    """Take keys, each a tenant by itself, or ``tenant=key``: keys of one tenant."""
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


def boolean(raw: str) -> bool:
    """Take the contract's spellings of true and false."""
    if raw.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(f"must be one of true/false/1/0/yes/no/on/off, not '{shown(raw)}'.")
    return raw.lower() in _TRUE


def otlp_endpoint(raw: str) -> str:
    """Take a collector's address, if the extra that sends traces is installed."""
    try:
        url = urlsplit(raw)
    except ValueError:
        url = urlsplit("")
    if url.scheme not in ("http", "https") or not url.netloc:
        raise ValueError("must be a collector's address, for example http://127.0.0.1:4318.")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise ValueError("needs the extra 'otel': pip install 'backend-livekit[otel]'.")
    return raw


def log_level(raw: str) -> str:
    """Take a level's name in any case."""
    if raw.lower() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}, not '{shown(raw)}'.")
    return raw.lower()


def agent_name(raw: str) -> str:
    """Take the name that the worker registers."""
    if len(raw) > 128 or not raw.isprintable():
        raise ValueError("must be 1 to 128 printable characters: the worker's registered name.")
    return raw


def app_env(raw: str) -> AppEnv:
    """Take the environment's name in any case."""
    try:
        return AppEnv(raw.lower())
    except ValueError:
        raise ValueError(f"must be development or production, not '{shown(raw)}'.") from None


def origins(raw: str) -> tuple[str, ...]:
    """Read ``*`` or a comma-separated list of origins."""
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
                f"https://*.example.com or capacitor://localhost; '{shown(masked)}' {error}."
            ) from None
    return tuple(found)
