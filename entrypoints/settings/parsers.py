"""What a variable's text means. Each parser raises ValueError, with the end of a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final

_DECIMAL: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
_SHOWN: Final = 60
_TRUE: Final = ("true", "1", "yes", "on")
_FALSE: Final = ("false", "0", "no", "off")
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


def seconds(least: float, most: float) -> Callable[[str], timedelta]:
    """Take a decimal number of seconds in a range."""
    return _duration("seconds", least, most)


def days(least: float, most: float) -> Callable[[str], timedelta]:
    """Take a decimal number of days in a range."""
    return _duration("days", least, most)


def _duration(unit: str, least: float, most: float) -> Callable[[str], timedelta]:
    def parse(raw: str) -> timedelta:
        if not (_DECIMAL.fullmatch(raw) and least <= float(raw) <= most):
            raise ValueError(
                f"must be a number of {unit} from {least} to {most}, not '{shown(raw)}'."
            )
        return timedelta(**{unit: float(raw)})

    return parse


def patterns(raw: str) -> tuple[str, ...]:
    """Take names and shell patterns, for :func:`fnmatch.fnmatchcase`; leave out blank ones."""
    return tuple(pattern for part in raw.split(",") if (pattern := part.strip()))


def names(raw: str) -> tuple[str, ...]:
    """Take names of at most 128 printable characters; leave out blank ones."""
    found = patterns(raw)
    if any(len(name) > 128 or not name.isprintable() for name in found):
        raise ValueError("must be a comma-separated list of names of 1 to 128 characters.")
    return found


def boolean(raw: str) -> bool:
    """Take the contract's spellings of true and false."""
    if raw.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(f"must be one of true/false/1/0/yes/no/on/off, not '{shown(raw)}'.")
    return raw.lower() in _TRUE
