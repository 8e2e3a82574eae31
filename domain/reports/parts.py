"""How many items are stored at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from domain.transcripts.item import TranscriptItem

MOST_TEXT: Final = 250_000
"""Characters of a part's items: a processor takes 0.2 to 0.4 s for the words of a million."""


def parts_of(items: Sequence[TranscriptItem], most: int) -> Iterator[Sequence[TranscriptItem]]:
    """Yield the items in order, up to ``most`` of them and :data:`MOST_TEXT` at a time."""
    begin = 0
    while begin < len(items):
        end = begin + _fitting(items[begin : begin + most])
        yield items[begin:end]
        begin = end


def last_part(items: Sequence[TranscriptItem], most: int) -> int:
    """Return the place at which the last part of the items begins."""
    return len(items) - _fitting(reversed(items[-most:]))


def _fitting(items: Iterable[TranscriptItem]) -> int:
    """Return how many of the items make a part: one at least, unless there is none."""
    number = size = 0
    for item in items:
        size += sum(map(len, item.texts))
        if number and size > MOST_TEXT:
            break
        number += 1
    return number
