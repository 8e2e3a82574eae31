"""How numbers are dialled within their countries."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

_LEAST_DIGITS: Final = 8
"""Shorter ones are everywhere: in dates, amounts and ids."""


def dialled_at_home(digits: str) -> set[str]:
    """The ways of dialling E.164 ``digits`` without their country code; none if there is no such.

    (4420 7946 0018 → 2079460018 and 02079460018.)
    """
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return set()
    significant = phonenumbers.national_significant_number(number)
    if len(significant) < _LEAST_DIGITS or not phonenumbers.is_possible_number(number):
        return set()
    usual = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return {significant, f"0{significant}", re.sub(r"[^0-9]", "", usual)}
