"""What is searched for in transcripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from domain.shared.errors import InvalidInput
from domain.transcripts.words import words_of

LONGEST_QUERY: Final = 500
MOST_TERMS: Final = 16
SHORTEST_PREFIX: Final = 3

_PART: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_EXAMPLE: Final = 'refund "order number" deliver*'


@attrs.frozen
class Term:
    """Words that follow each other; of the last one a beginning, if ``is_prefix``."""

    words: tuple[str, ...]
    is_prefix: bool = False

    def places(self, words: Sequence[str]) -> Iterator[int]:
        """Yield where the term begins in a text's words."""
        length = len(self.words)
        for begin in range(len(words) - length + 1):
            if self.is_at(words[begin : begin + length]):
                yield begin

    def is_at(self, words: Sequence[str]) -> bool:
        """Return whether these, as many as the term's, are its words."""
        *firsts, last = self.words
        if [*words[:-1]] != firsts:
            return False
        return words[-1].startswith(last) if self.is_prefix else words[-1] == last


@attrs.frozen
class SearchQuery:
    """Terms that an item must all have, in any order."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str | None) -> SearchQuery:
        """Return the query that a caller has written.

        Words; ``"words in quotes"`` that follow each other; ``prefix*``. Everything else separates
        words. Raises :class:`~domain.shared.errors.InvalidInput` where nothing is left.
        """
        if text is None or not text.strip():
            raise _invalid("q is missing: it has the words to look for.")
        if len(text) > LONGEST_QUERY:
            raise _invalid(f"q must have at most {LONGEST_QUERY} characters.")
        terms = [term for part in _PART.finditer(text) if (term := _term(part))]
        if not terms:
            raise _invalid("q must have a letter or a digit to look for.")
        if len(terms) > MOST_TERMS:
            raise _invalid(f"q must have at most {MOST_TERMS} words and phrases.")
        for term in terms:
            if term.is_prefix and len(term.words[-1]) < SHORTEST_PREFIX:
                raise _invalid(f"q must have {SHORTEST_PREFIX} letters or more before an asterisk.")
        return cls(tuple(dict.fromkeys(terms)))

    def matches(self, words: Sequence[str]) -> bool:
        """Return whether a text with these words has every term."""
        return all(next(term.places(words), None) is not None for term in self.terms)


def _term(part: re.Match[str]) -> Term | None:
    phrase, word = part[1], part[2]
    words = tuple(words_of(word if phrase is None else phrase))
    is_prefix = phrase is None and word.endswith("*")
    return Term(words, is_prefix) if words else None


def _invalid(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, field="q", example=_EXAMPLE)
