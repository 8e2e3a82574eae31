"""A text that the names, numbers and ids of a record are searched for by their beginning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final, Self

import attrs

from domain.shared.errors import InvalidInput
from domain.shared.identifiers import LONGEST

SHORTEST_ID: Final = 8
"""Characters of an id to search for. Ids begin with the time: these are those of a minute."""

_STORABLE: Final = re.compile(r"[^\0\ud800-\udfff]*", re.DOTALL)
_LAST: Final = "\U0010ffff"
_ID: Final = re.compile(
    r"[0-9a-f]{8}(-([0-9a-f]{0,4}|[0-9a-f]{4}-([0-9a-f]{0,4}|[0-9a-f]{4}-([0-9a-f]{0,4}|"
    r"[0-9a-f]{4}-[0-9a-f]{0,12}))))?"
)
_LEAST_ID: Final = "00000000-0000-0000-0000-000000000000"
_BETWEEN_DIGITS: Final = re.compile(r"[\s()./-]+")
_DIGITS: Final = re.compile(r"\+?[0-9]+")


@attrs.frozen
class Prefix:
    """A text with which a name, a number or an id begins, in upper and lower case as given.

    A number is also found by its digits, whatever is between them, after ``+``, ``00`` or neither;
    an id of this service from its first :data:`SHORTEST_ID` characters on, in upper case too.
    """

    text: str

    @classmethod
    def parse(cls, raw: str | None, field: str = "q") -> Self | None:
        """What a caller searches for, surrounding white space removed; None if absent or blank.

        Raises :class:`InvalidInput` for what no record can have.
        """
        text = (raw or "").strip()
        if not text:
            return None
        if len(text) > LONGEST or not _STORABLE.fullmatch(text):
            raise InvalidInput(
                f"{field} must be at most {LONGEST} characters, none of them NUL.",
                field=field,
                example="room-4",
            )
        return cls(text)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The beginnings that a number may have, as numbers are stored."""
        written = _BETWEEN_DIGITS.sub("", self.text)
        if not _DIGITS.fullmatch(written):
            return (self.text,)
        digits = written.removeprefix("+")
        abroad = [f"+{digits[2:]}"] if written.startswith("00") else []
        return tuple(dict.fromkeys((self.text, f"+{digits}", digits, *abroad)))

    @cached_property
    def ids(self) -> tuple[str, str] | None:
        """The first and the last id that begins so; None if none does."""
        text = self.text.lower()
        if not _ID.fullmatch(text):
            return None
        rest = _LEAST_ID[len(text) :]
        return text + rest, text + rest.replace("0", "f")

    def matches(
        self, record_id: str, names: Iterable[str | None], numbers: Iterable[str | None] = ()
    ) -> bool:
        """Whether the record's id, or one of its names and numbers, begins so."""
        if self.ids is not None and self.ids[0] <= record_id <= self.ids[1]:
            return True
        return any(name is not None and name.startswith(self.text) for name in names) or any(
            number is not None and number.startswith(self.numbers) for number in numbers
        )


def after_all(prefix: str) -> str:
    """Return what sorts after every name that begins with ``prefix``, by code points."""
    return prefix + _LAST * LONGEST
