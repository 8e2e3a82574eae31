"""Words are compared without case and accents, in every script, and so many of them are kept."""

from __future__ import annotations

import pytest

from domain.transcripts.words import (
    LONGEST_WORD,
    MOST_BYTES,
    MOST_WORDS,
    bounded_words,
    placed_words,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("Hello, HELLO-world_2!", ["hello", "hello", "world", "2"]),
        ("Café CAFÉ cafe\u0301", ["cafe"] * 3),
        ("Straße STRASSE", ["strasse"] * 2),
        ("Ångström", ["angstrom"]),
        ("日本語 テスト", ["日本語", "テスト"]),
        ("١٢٣ ½", ["١٢٣", "12"]),
        ("— … 🎉", []),
    ],
)
def test_a_text_s_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_long_word_is_cut_alike_in_each_script() -> None:
    assert words_of("A" * 1000) == ["a" * LONGEST_WORD]
    assert words_of("É" * 1000) == ["e" * LONGEST_WORD]


def test_a_word_s_place_is_that_in_the_text_as_it_was_written() -> None:
    text = "Ein Café\u0301!"

    places = [(word, text[begin:end]) for word, begin, end in placed_words(text)]

    assert places == [("ein", "Ein"), ("cafe", "Café\u0301")]


def test_of_too_many_words_the_first_are_kept() -> None:
    many = ["a"] * (MOST_WORDS + 1)
    long = ["é" * LONGEST_WORD] * MOST_BYTES

    assert len(bounded_words(many)) == MOST_WORDS
    kept = bounded_words(long)
    size = len(long[0].encode())
    assert len(kept) == min(MOST_WORDS, MOST_BYTES // size)
    assert bounded_words(["short", "words"]) == ["short", "words"]
