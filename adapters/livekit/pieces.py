"""Large answers in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.message import DecodeError

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED: Final = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT: Final = 10


def pieces(message: bytes | bytearray, fields: int) -> Iterator[bytes]:
    """Yield parts of an encoded protobuf message, each with so many of its fields or fewer.

    Each part is an encoded message of the same kind, and merged they are the whole one
    (https://protobuf.dev/programming-guides/encoding/#last-one-wins). Parsing a large answer at
    once would hold up the event loop. Raises :class:`DecodeError` where it is cut short.
    """
    begin = place = count = 0
    while place < len(message):
        place = _end_of_field(message, place)
        count += 1
        if count == fields:
            yield bytes(message[begin:place])
            begin, count = place, 0
    if begin < len(message):
        yield bytes(message[begin:])


def _end_of_field(message: bytes | bytearray, place: int) -> int:
    """Return where the field that begins at ``place`` ends."""
    tag, place = _varint(message, place)
    kind = tag & 7
    if kind == _LENGTH:
        length, place = _varint(message, place)
        place += length
    elif kind == _VARINT:
        _, place = _varint(message, place)
    elif kind in _FIXED:
        place += _FIXED[kind]
    else:
        raise DecodeError(f"A field of wire type {kind} is not known.")
    if place > len(message):
        raise DecodeError("The message is cut short.")
    return place


def _varint(message: bytes | bytearray, place: int) -> tuple[int, int]:
    """Return the number that begins at ``place``, and where it ends."""
    value = 0
    for shift in range(0, 7 * _LONGEST_VARINT, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise DecodeError("A number is cut short.")
