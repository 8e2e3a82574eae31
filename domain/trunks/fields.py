"""The rules for what a caller may set of a trunk or a dispatch rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from domain.shared.errors import InvalidInput

LONGEST_TEXT: Final = 128
MOST_ENTRIES: Final = 100
EXAMPLE_NUMBER: Final = "+15105550100"
_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)

Normalised = Callable[[str], str]
"""Writes a telephone number in E.164 where it parses."""


def text(given: str, field: str, example: str) -> str:
    """Return ``given`` without surrounding white space. Raises :class:`InvalidInput`."""
    value = given.strip()
    if len(given) > LONGEST_TEXT or not value.isprintable():
        raise InvalidInput(
            f"{field} must be at most {LONGEST_TEXT} printable characters.",
            field=field,
            example=example,
        )
    return value


def texts(given: Sequence[str], field: str, example: str) -> tuple[str, ...]:
    """Return the entries, each once. Raises :class:`InvalidInput`."""
    _limit(given, field, example)
    values = tuple(dict.fromkeys(text(entry, field, example) for entry in given))
    if "" in values:
        raise InvalidInput(f"{field} must not have blank entries.", field=field, example=[example])
    return values


def e164(given: str, field: str, normalised: Normalised) -> str:
    """Return a telephone number in E.164. Raises :class:`InvalidInput`."""
    number = normalised(given) if len(given) <= LONGEST_TEXT else ""
    if not _E164.fullmatch(number):
        raise InvalidInput(
            f"{field} must be a telephone number with its country code (E.164).",
            field=field,
            example=EXAMPLE_NUMBER,
        )
    return number


def numbers(given: Sequence[str], field: str, normalised: Normalised) -> tuple[str, ...]:
    """Return telephone numbers in E.164, each once. Raises :class:`InvalidInput`."""
    _limit(given, field, EXAMPLE_NUMBER)
    return tuple(dict.fromkeys(e164(number, field, normalised) for number in given))


def _limit(given: Sequence[str], field: str, example: str) -> None:
    if len(given) > MOST_ENTRIES:
        raise InvalidInput(
            f"{field} must have at most {MOST_ENTRIES} entries.", field=field, example=[example]
        )
