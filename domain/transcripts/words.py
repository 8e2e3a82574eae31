"""The words of a text, the same for every database.

Databases disagree on what a word is; they get words that are made here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

LONGEST_WORD: Final = 64
MOST_WORDS: Final = 16_000
"""Words of an item that are found; PostgreSQL counts up to 16,383."""

MOST_BYTES: Final = 700_000
"""Bytes of an item's words in UTF-8; a ``tsvector`` has 1 MiB for these and their positions."""

_ACCENT: Final = "\u0300-\u036f"
_WORD: Final = re.compile(rf"(?:[^\W_][{_ACCENT}]*)+")
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def words_of(text: str) -> list[str]:
    """Return the words of ``text`` as they are compared: without case and accents."""
    if text.isascii():
        return [word[:LONGEST_WORD] for word in _ASCII_WORD.findall(text.lower())]
    return [word for word, _, _ in placed_words(text)]


def bounded_words(words: Iterable[str]) -> list[str]:
    """Return the first of the words, of which every database has room for an index entry."""
    found: list[str] = []
    room = MOST_BYTES
    for word in islice(words, MOST_WORDS):
        room -= len(word.encode())
        if room < 0:
            break
        found.append(word)
    return found


def placed_words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word as it is compared, and where it begins and ends in ``text``."""
    for found in _WORD.finditer(text):
        word = _compared(found[0])
        if word:
            yield word, found.start(), found.end()


@lru_cache(8192)
def _compared(word: str) -> str:
    if word.isascii():
        return word.lower()[:LONGEST_WORD]
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return "".join(filter(str.isalnum, bare))[:LONGEST_WORD]
