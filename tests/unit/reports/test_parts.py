"""However long items are, one transaction stores only so many, and so much, of them."""

from __future__ import annotations

from itertools import chain

import attrs
from hypothesis import given
from hypothesis import strategies as st

from domain.reports.keep_report import AT_ONCE
from domain.reports.parts import MOST_TEXT, last_part, parts_of
from domain.transcripts.item import TranscriptItem
from tests.contract.transcripts.kept import said

SIZES = st.lists(st.sampled_from([0, 10, MOST_TEXT // 3, MOST_TEXT, MOST_TEXT + 1]), max_size=12)
TEXT = "a" * (MOST_TEXT + 1)


def items_of_sizes(sizes: list[int]) -> list[TranscriptItem]:
    return [said(TEXT[:size]) for size in sizes]


def fits(part: list[TranscriptItem], most: int) -> bool:
    return len(part) == 1 or (
        len(part) <= most and sum(len(item.text or "") for item in part) <= MOST_TEXT
    )


@given(sizes=SIZES, most=st.integers(1, 5))
def test_the_parts_are_all_items_in_order_and_each_fits(sizes: list[int], most: int) -> None:
    items = items_of_sizes(sizes)

    found = [[*part] for part in parts_of(items, most)]

    assert [*chain.from_iterable(found)] == items
    assert all(part and fits(part, most) for part in found)


@given(sizes=SIZES, most=st.integers(1, 5))
def test_the_last_part_is_as_many_as_fit(sizes: list[int], most: int) -> None:
    items = items_of_sizes(sizes)

    begin = last_part(items, most)

    last = items[begin:]
    assert not items or (last and fits(last, most))
    assert begin == 0 or not fits(items[begin - 1 :], most)


def test_what_tools_return_counts_too() -> None:
    item = attrs.evolve(said(""), arguments=TEXT[:-1], output=TEXT[:-1])

    assert len([*parts_of([item, item], AT_ONCE)]) == 2
