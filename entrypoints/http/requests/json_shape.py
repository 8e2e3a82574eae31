"""What makes JSON slow to read, found before it is read."""

from __future__ import annotations

import re
from http import HTTPStatus
from itertools import accumulate
from typing import Final

from litestar.exceptions import ClientException

MAX_MARKS: Final = 44 * 1024
"""Commas and opening brackets outside strings. 64 KiB of metadata cannot have more: of the three
bytes of ``[],`` two are such marks."""

_UNCHECKED: Final = 4 * 1024
"""No body of so few bytes takes long, whatever is in it."""
_MOST_QUOTES: Final = 128 * 1024
"""Beyond, even looking for the strings takes long. 64 KiB of metadata have half as many."""
_DEEPEST: Final = 1000
_MOST_DIGITS: Final = 309
"""Of the largest double. Python converts digits in quadratic time."""

# Possessive, so that no input makes it go back; a string that does not end reaches to the end.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_LONG_NUMBER: Final = re.compile(rb"(?<![0-9])[0-9]{%d}" % (_MOST_DIGITS + 1))


_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class TooManyValues(ClientException):
    """The body has more values than the agent's metadata could have."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(
            "The body has more values than the 64 KiB of an agent's metadata can hold. Send fewer."
        )


class LongNumber(ClientException):
    """A number that is longer than any double."""

    def __init__(self) -> None:
        super().__init__(
            f"A number in the body has more than {_MOST_DIGITS} digits, which is beyond the range "
            "of a double. Send it as a string."
        )


def check_shape(body: bytes) -> None:
    """Refuse JSON that would take long to read, in time that is linear in its size.

    What is nested deeply, and has no more values than allowed, is left to the reader, which stops
    at 1,000 levels. Raises :class:`TooManyValues`, :class:`LongNumber` or ``RecursionError``.
    """
    if len(body) <= _UNCHECKED:
        return
    if body.count(b'"') > _MOST_QUOTES:
        raise TooManyValues
    structure = _STRING.sub(b"", body)
    if sum(map(structure.count, (b",", b"[", b"{"))) > MAX_MARKS:
        brackets = structure.translate(None, _NO_BRACKETS)[:MAX_MARKS]
        if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > _DEEPEST:
            raise RecursionError
        raise TooManyValues
    if _LONG_NUMBER.search(structure):
        raise LongNumber
