"""A person, as far as the ledger can know one: a telephone number, or an identity."""

from __future__ import annotations

import re

import attrs

from domain.errors import InvalidInput

_NOT_DIGITS = re.compile(r"[^0-9]")


@attrs.frozen
class Person:
    """``needle`` is in every text that mentions the person; :meth:`is_in` tells which do."""

    needle: str
    _expression: re.Pattern[str] = attrs.field(repr=False)

    @classmethod
    def with_number(cls, number: str) -> Person:
        """By a number with its country code, however it is written (+1 510 555 0100).

        Raises :class:`~domain.errors.InvalidInput`.
        """
        digits = _NOT_DIGITS.sub("", number).lstrip("0")
        if not 7 <= len(digits) <= 15:
            raise InvalidInput(
                "number must be a telephone number with its country code, of 7 to 15 digits.",
                field="number",
                example="+15105550100",
            )
        return cls(digits, re.compile(rf"(?<![0-9])0{{0,2}}{digits}(?![0-9])"))

    @classmethod
    def with_identity(cls, identity: str) -> Person:
        """By a participant's identity. Raises :class:`~domain.errors.InvalidInput`."""
        word = identity.strip()
        if not word or not word.isprintable():
            raise InvalidInput(
                "identity must be a participant's.", field="identity", example="user-42"
            )
        edge = "[A-Za-z0-9_-]"
        return cls(word, re.compile(rf"(?<!{edge}){re.escape(word)}(?!{edge})"))

    def is_in(self, text: str | None) -> bool:
        """Whether ``text`` mentions the person: as a number or word of its own."""
        return text is not None and self._expression.search(text) is not None
