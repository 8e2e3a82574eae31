"""Queries as callers write them, and excerpts of what they find."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.errors import InvalidInput
from domain.transcripts.excerpt import excerpt
from domain.transcripts.search_query import SearchQuery, Term
from domain.transcripts.words import words_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Refund", [Term(("refund",))]),
        (
            '"order  Number" deliver*',
            [Term(("order", "number")), Term(("deliver",), is_prefix=True)],
        ),
        ("e-mail", [Term(("e", "mail"))]),
        ('"open', [Term(("open",))]),
        ("a a", [Term(("a",))]),
        ('""" * ?! x', [Term(("x",))]),
        ("Ünïcödé", [Term(("unicode",))]),
    ],
)
def test_words_phrases_and_prefixes(text: str, terms: list[Term]) -> None:
    assert SearchQuery.parse(text).terms == tuple(terms)


@pytest.mark.parametrize(
    "text", [None, "", "  ", '"', "*", "?!", "ab*", "x" * 501, " ".join(map(str, range(17)))]
)
def test_what_cannot_be_searched_for_says_why(text: str | None) -> None:
    with pytest.raises(InvalidInput, match=r"^q .*\.$"):
        SearchQuery.parse(text)


@given(st.text())
def test_any_query_is_parsed_or_refused(text: str) -> None:
    try:
        query = SearchQuery.parse(text)
    except InvalidInput:
        return
    for term in query.terms:
        assert all(word.isalnum() and words_of(word) == [word] for word in term.words)


@given(st.text(min_size=1), st.data())
def test_a_text_is_found_by_each_of_its_words_and_shows_it(text: str, data: st.DataObject) -> None:
    words = words_of(text)
    if not words:
        return
    word = data.draw(st.sampled_from(words))
    query = SearchQuery((Term((word,)),))

    shown = excerpt([text], query)

    assert query.matches(words)
    marked = re.findall(r"<mark>(.*?)</mark>", shown, re.DOTALL)
    assert word in [each for part in marked for each in words_of(html.unescape(part))]
    rest = shown.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in rest
    assert ">" not in rest
    assert html.unescape(rest).strip("…") in text


def test_an_excerpt_is_the_part_around_the_first_find() -> None:
    text = " ".join([*(f"w{n}" for n in range(100)), "the", "refund", "<b>", *["after"] * 100])

    shown = excerpt(["nothing here", text], SearchQuery.parse('"the refund"'))

    assert shown.startswith("…w92 w93")
    assert "<mark>the</mark> <mark>refund</mark> &lt;b&gt; after" in shown
    assert shown.endswith("…")


def test_an_excerpt_of_a_word_as_long_as_the_text_is_short() -> None:
    assert len(excerpt(["x" * 30_000], SearchQuery.parse("xxx*"))) < 500
