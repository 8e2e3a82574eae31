"""Telephone numbers within a text."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import phonenumbers


@attrs.frozen
class NumbersInText:
    """Finds numbers with their country's code and, without it, those of ``region`` (ISO 3166)."""

    region: str

    def __call__(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where each number begins and ends."""
        for found in phonenumbers.PhoneNumberMatcher(text, self.region):
            yield found.start, found.end
