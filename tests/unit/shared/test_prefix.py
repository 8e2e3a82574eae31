"""What a list is searched for: beginnings of names, numbers and ids."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.errors import InvalidInput
from domain.shared.identifiers import LONGEST
from domain.shared.prefix import SHORTEST_ID, Prefix, after_all

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def prefix(raw: str) -> Prefix:
    found = Prefix.parse(raw)
    assert found is not None
    return found


@pytest.mark.parametrize("raw", [None, "", " ", "\t\n"])
def test_given_nothing_to_search_for_then_there_is_no_prefix(raw: str | None) -> None:
    assert Prefix.parse(raw) is None


@pytest.mark.parametrize("raw", ["a\0b", "\0", "a\ud800", "\udfffb", "a" * (LONGEST + 1)])
def test_given_what_no_name_can_have_then_it_is_refused(raw: str) -> None:
    with pytest.raises(InvalidInput, match=f"q must be at most {LONGEST} characters") as refused:
        Prefix.parse(raw)
    assert refused.value.details["field"] == "q"


def test_given_the_longest_text_then_white_space_around_it_does_not_count() -> None:
    assert prefix(f"  {'a' * LONGEST}\n").text == "a" * LONGEST


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("+1510", ["+15105550100", "15105550100"]),
        ("1510", ["+15105550100", "15105550100"]),
        ("+1 (510) 555-01", ["+15105550100", "15105550100"]),
        ("1.510/555", ["+15105550100", "15105550100"]),
        ("0043 1", ["+4315880100", "00431"]),
        ("0043", ["+4315880100", "00431"]),
        ("anon", ["anonymous"]),
        ("5105550100", []),
        ("+1510x", []),
        ("+", ["+15105550100", "+4315880100"]),
    ],
)
def test_a_number_is_found_however_its_beginning_is_written(written: str, found: list[str]) -> None:
    stored = ["+15105550100", "15105550100", "+4315880100", "00431", "anonymous"]

    assert [each for each in stored if prefix(written).matches(ID, (), (each,))] == found


@given(name=STORABLE, text=STORABLE)
def test_a_name_is_found_by_each_of_its_beginnings_and_by_nothing_else(
    name: str, text: str
) -> None:
    for wanted in filter(str.strip, (text, name, name[:1], name[: len(name) // 2])):
        searched = prefix(wanted)

        assert searched.matches(ID, (None, name)) == name.startswith(searched.text)


@given(text=STORABLE.filter(bool), name=STORABLE)
def test_a_range_of_code_points_has_what_begins_so_and_nothing_else(text: str, name: str) -> None:
    for each in (name, text + name, text):
        in_range = text.encode() <= each.encode() < after_all(text).encode()

        assert in_range == each.startswith(text)


@given(number=st.integers(min_value=0, max_value=2**128 - 1), length=st.integers(0, 36))
def test_an_id_is_found_from_its_first_eight_characters_on(number: int, length: int) -> None:
    each, other = str(uuid.UUID(int=number)), str(uuid.UUID(int=number ^ 2**127))
    searched = Prefix(each[:length].upper())

    assert searched.matches(each, ()) == (length >= SHORTEST_ID)
    assert not searched.matches(other, ())


@pytest.mark.parametrize(
    "text", ["01890a5d_", "01890a5dac", "01890a5d-ac96-774b-bcce-b302099a80570"]
)
def test_given_what_no_id_begins_with_then_no_range_of_ids_is_read(text: str) -> None:
    assert prefix(text).ids is None
