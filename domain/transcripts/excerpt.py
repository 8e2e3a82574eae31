"""Show where a search found its words."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from domain.transcripts.search_query import SearchQuery
from domain.transcripts.words import placed_words

_BEFORE: Final = 8
_WORDS: Final = 32
_LONGEST: Final = 400
"""Characters of an excerpt without its marks."""


def excerpt(texts: Sequence[str], query: SearchQuery) -> str:
    """Return a part of the first text that has a term, which is in ``<mark>`` and ``</mark>``.

    The rest is escaped for HTML, so that a page can show it as it is. ``…`` is where a text goes
    on.
    """
    for text in texts:
        placed = list(placed_words(text))
        words = [word for word, _, _ in placed]
        marked = {
            place
            for term in query.terms
            for begin in term.places(words)
            for place in range(begin, begin + len(term.words))
        }
        if marked:
            return _cut(text, placed, marked)
    return html.escape(_shortened(texts[0])) if texts else ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _cut(text: str, placed: Sequence[tuple[str, int, int]], marked: set[int]) -> str:
    first = max(min(marked) - _BEFORE, 0)
    # A word may be as long as the text.
    first_start = max(placed[first][1], placed[min(marked)][1] - _LONGEST // 2)
    start = 0 if first == 0 and first_start == placed[0][1] <= _LONGEST // 2 else first_start
    last = min(first + _WORDS, len(placed)) - 1
    end = len(text) if last == len(placed) - 1 else placed[last][2]
    end = min(end, start + _LONGEST)
    pieces, at = ["…" if start else ""], start
    for place in sorted(place for place in marked if start <= placed[place][1] < end):
        _, begin, finish = placed[place]
        finish = min(finish, end)
        pieces += [html.escape(text[at:begin]), "<mark>", html.escape(text[begin:finish])]
        pieces.append("</mark>")
        at = finish
    pieces += [html.escape(text[at:end]), "…" if end < len(text) else ""]
    return "".join(pieces)
