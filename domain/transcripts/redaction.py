"""Leave out what identifies a person or a card."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from domain.shared.json_texts import parsed
from domain.transcripts.item import TranscriptItem

Spans = Iterable[tuple[int, int]]
PhoneFinder = Callable[[str], Spans]
"""Finds where telephone numbers begin and end in a text."""

EMAIL: Final = "[redacted e-mail address]"
CARD: Final = "[redacted card number]"
PHONE: Final = "[redacted phone number]"

_EMAIL: Final = re.compile(r"[^\s@<>()\[\]{},;:\"']{1,64}@(?:[\w-]{1,63}\.){1,8}\w{2,63}")
_CARD: Final = re.compile(r"(?<![0-9])[0-9](?:[ .-]?[0-9]){12,18}(?![0-9])")
_HAS_SOMETHING: Final = re.compile(r"@|[0-9]")


@attrs.frozen
class Redactor:
    """Replaces e-mail addresses, card numbers (by their check digit) and telephone numbers."""

    phones: PhoneFinder

    def item(self, item: TranscriptItem) -> TranscriptItem:
        """Return the item without them in its texts, its tool's data and its further fields."""
        return attrs.evolve(
            item,
            text=None if item.text is None else self.text(item.text),
            arguments=None if item.arguments is None else self.json_or_text(item.arguments),
            output=None if item.output is None else self.json_or_text(item.output),
            extra=self._value(item.extra),
        )

    def text(self, text: str) -> str:
        """Return ``text`` without them."""
        if not _HAS_SOMETHING.search(text):
            return text
        text = _EMAIL.sub(EMAIL, text)
        text = _CARD.sub(lambda found: CARD if _is_card(found[0]) else found[0], text)
        for begin, end in sorted(self.phones(text), reverse=True):
            text = text[:begin] + PHONE + text[end:]
        return text

    def json_or_text(self, text: str) -> str:
        """Return JSON that stays JSON, also where a number was replaced; else as :meth:`text`."""
        if not _HAS_SOMETHING.search(text):
            return text
        data = parsed(text)
        if data is None:
            return self.text(text)
        try:
            redacted = self._value(data)
            return text if redacted == data else json.dumps(redacted, ensure_ascii=False)
        except RecursionError:
            return self.text(text)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.json_or_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = str(value)
            return value if self.text(written) == written else self.text(written)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._value(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self._value(member) for member in value]
        return value


def _is_card(text: str) -> bool:
    """Return whether the digits have the check digit of ISO/IEC 7812 (Luhn)."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return any(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
