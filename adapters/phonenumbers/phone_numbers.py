"""Telephone numbers as SIP carriers write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import phonenumbers

_HIDDEN: Final = frozenset({"anonymous", "restricted", "unavailable", "unknown", "blocked"})
_SPELT: Final[Mapping[str, str]] = {
    "+266696687": "anonymous",
    "+7378742833": "restricted",
    "+86282452253": "unavailable",
    "+8656696": "unknown",
    "+2562533": "blocked",
}
"""What Twilio sends for a hidden caller: the word on a telephone's keys."""

_LONGEST_REMEMBERED: Final = 64
_URI: Final = re.compile(r"(?:[^<]*<)?(?:sips?|tel):([^@;?>]+)", re.IGNORECASE)


def normalised(given: str) -> str:
    """Return the one form of a number that calls have and filters look for.

    E.164 (ITU-T E.164) where ``given`` has the country's code, after ``+`` or ``00``, also within a
    ``sip:`` or ``tel:`` URI and without its extension; ``anonymous``, ``restricted``,
    ``unavailable``, ``unknown`` or ``blocked`` for a hidden caller; else ``given``. A number
    without a country's code is left as it is: of which country it is, is not known here.
    """
    return _remembered(given) if len(given) <= _LONGEST_REMEMBERED else _normalised(given)


def _normalised(given: str) -> str:
    uri = _URI.match(given)
    number = (unquote(uri[1]) if uri else given).strip()
    if number in _SPELT:
        return _SPELT[number]
    if number.lower() in _HIDDEN:
        return number.lower()
    if number.startswith("00"):
        return _e164(f"+{number[2:]}", strict=True) or given
    return _e164(number) or given


# Each event of a call has both of its numbers, and ours is the same in most calls.
_remembered: Final = lru_cache(4096)(_normalised)


def _e164(number: str, *, strict: bool = False) -> str | None:
    """The number in E.164; ``strict``: only if its country has such numbers."""
    with suppress(phonenumbers.NumberParseException):
        parsed = phonenumbers.parse(number)
        fits = phonenumbers.is_valid_number if strict else phonenumbers.is_possible_number
        if fits(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return None
