"""Names and ids cannot be constructed invalid."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.errors import InvalidInput
from domain.shared.identifiers import MAX_LENGTH, Identity, Name, RoomName, SessionId

ALPHABET = string.ascii_letters + string.digits + "_-"
NAMES: list[type[Name]] = [Identity, RoomName]
FIELDS = {Identity: "userIdentity", RoomName: "roomName"}

good = st.text(ALPHABET, min_size=1, max_size=MAX_LENGTH)
spaces = st.text(" \t\r\n\u2003\u00a0", max_size=5)
bad_character = st.characters().filter(lambda c: c not in ALPHABET)


def refused(error: InvalidInput, kind: type[Name]) -> bool:
    """Whether the error names the field and shows an example that would have been accepted."""
    example = error.details["example"]
    return (
        error.details["field"] == FIELDS[kind]
        and FIELDS[kind] in str(error)
        and isinstance(example, str)
        and kind(example).value == example
    )


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("text", ["a", "Z", "0", "_", "-", "a" * 128, "user-42_B", "-_-"])
def test_given_a_good_name_then_it_is_kept(kind: type[Name], text: str) -> None:
    assert kind(text).value == text
    assert str(kind(text)) == text


BAD: list[Any] = [
    "",
    "a" * 129,
    "a b",
    "a\n",
    "\na",
    "a\x00",
    "\x00",
    "é",
    "ａ",  # noqa: RUF001 - a full-width letter
    "Ω",
    "٣",  # an Arabic digit
    "²",
    "a.b",
    "a/b",
    "a%20",
    "🙂",
    "\ud800",
    " a",
    None,
    7,
    True,
    b"a",
    ["a"],
    {"a": 1},
]


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    "value", ["", "a" * 513, "a\x00", "\ud800", None, 7, True, b"a", ["a"]], ids=ascii
)
def test_given_what_livekit_cannot_have_made_then_it_is_no_name(
    kind: type[Name], value: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        kind(value)
    assert refused(caught.value, kind)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("text", ["sip_+15105550100", "call-_+1_x", "a b", "é", "a" * 512, " a"])
def test_given_a_name_that_livekit_made_then_it_is_kept(kind: type[Name], text: str) -> None:
    assert kind(text).value == text


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    "value", [v for v in BAD if not (isinstance(v, str) and v.strip() == "a")], ids=ascii
)
def test_given_a_bad_name_for_something_new_then_the_field_and_an_example_are_told(
    kind: type[Name], value: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        kind.parse(value)
    assert refused(caught.value, kind)


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n", "\u2003"])
def test_given_only_white_space_then_parsing_refuses_it(blank: str) -> None:
    with pytest.raises(InvalidInput):
        Identity.parse(blank)


@given(text=good, before=spaces, after=spaces)
def test_a_name_of_the_alphabet_round_trips_and_surrounding_space_is_trimmed(
    text: str, before: str, after: str
) -> None:
    assert str(RoomName(text)) == text
    assert RoomName.parse(before + text + after) == RoomName(text)


@given(before=st.text(ALPHABET, max_size=60), wrong=bad_character, after=st.text(max_size=60))
def test_any_other_character_is_refused_wherever_it_stands(
    before: str, wrong: str, after: str
) -> None:
    for text in (f"a{before}{wrong}{after}a", f"a{after}{wrong}{before}a"):
        with pytest.raises(InvalidInput) as caught:
            Identity.parse(text)
        assert refused(caught.value, Identity)


@given(wrong=bad_character, text=good)
def test_trimming_takes_nothing_from_inside(wrong: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        Identity.parse(f"{text[:60]}{wrong}{text[:60]}")


def test_an_identity_and_a_room_of_one_spelling_are_not_the_same() -> None:
    assert Identity("a") == Identity("a")
    assert Identity("a") != RoomName("a")  # type: ignore[comparison-overlap]


GOOD_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@given(st.uuids())
def test_any_canonical_uuid_is_a_session_id(value: object) -> None:
    assert str(SessionId(str(value))) == str(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        GOOD_ID.upper(),
        GOOD_ID + "\n",
        " " + GOOD_ID,
        GOOD_ID.replace("-", ""),
        "{" + GOOD_ID + "}",
        GOOD_ID[:-1],
        GOOD_ID[:-1] + "g",
        GOOD_ID[:-1] + "٣",
        GOOD_ID + "\x00",
        None,
        7,
    ],
    ids=ascii,
)
def test_given_anything_else_then_a_session_id_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        SessionId(value)
    assert caught.value.details["field"] == "sessionId"
    assert SessionId(str(caught.value.details["example"]))


@pytest.mark.parametrize("kind", [Identity, RoomName])
def test_a_new_name_has_at_most_128_characters(kind: type[Name]) -> None:
    assert str(kind.parse("a" * 128)) == "a" * 128
    with pytest.raises(InvalidInput, match="1 to 128 characters"):
        kind.parse("a" * 129)
