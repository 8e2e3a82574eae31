"""Query parameters of lists → filters."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.errors import InvalidInput
from domain.shared.identifiers import Identity, RoomName
from domain.shared.pagination import Cursor, Span
from entrypoints.http.requests import query

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


READERS: dict[str, Callable[[str], object]] = {
    "colour": lambda raw: query.choice(Colour, raw, "colour"),
    "since": lambda raw: query.span(raw, None),
    "until": lambda raw: query.span(None, raw),
    "from": lambda raw: query.number(raw, "from"),
    "to": lambda raw: query.number(raw, "to"),
    "roomName": lambda raw: query.name(RoomName, raw),
    "userIdentity": lambda raw: query.name(Identity, raw),
    "limit": query.limit,
    "cursor": query.position,
}


def refusal(field: str, raw: str) -> InvalidInput:
    """What is raised for ``raw``."""
    with pytest.raises(InvalidInput) as caught:
        READERS[field](raw)
    return caught.value


@pytest.mark.parametrize("absent", [None, ""])
def test_what_is_absent_or_blank_filters_nothing(absent: str | None) -> None:
    assert query.choice(Colour, absent, "colour") is None
    assert query.span(absent, absent) == Span()
    assert query.name(RoomName, absent) is None
    assert query.number(absent, "from") is None
    assert query.position(absent) is None
    assert query.limit(absent) == 50


def test_a_choice_is_one_of_its_values() -> None:
    assert query.choice(Colour, "blue", "colour") is Colour.BLUE


@pytest.mark.parametrize("raw", ["green", "Red", "RED", " red", "red,blue"])
def test_another_choice_is_refused_with_all_that_there_are(raw: str) -> None:
    error = refusal("colour", raw)

    assert str(error) == "colour must be one of red, blue."
    assert error.details == {"field": "colour", "example": "red"}


@pytest.mark.parametrize(
    "raw",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.000Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T13:30:00+01:30",
        "2026-01-31T13:30:00 01:30",  # in a query + is a space
        "2026-01-31 12:00:00Z",
        "2026-01-31T07:00:00-05:00",
    ],
)
def test_a_time_is_utc_whatever_its_offset(raw: str) -> None:
    assert query.span(raw, None) == Span(since=AT)
    assert query.span(None, raw) == Span(until=AT)
    assert query.span(raw, raw) == Span(since=AT, until=AT)


@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize(
    "raw",
    [
        "now",
        "1769860800",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "12:00:00Z",
    ],
)
def test_what_is_no_point_in_time_is_refused(field: str, raw: str) -> None:
    error = refusal(field, raw)

    assert error.details["field"] == field
    assert str(error).startswith(f"{field} must be ")
    assert query.span(str(error.details["example"]), None).since is not None


@pytest.mark.parametrize("raw", ["+15105550100", " 15105550100"])
def test_a_numbers_plus_may_have_become_a_space(raw: str) -> None:
    assert query.number(raw, "from") == "+15105550100"


@pytest.mark.parametrize("raw", ["15105550100", "anonymous", "sip:ann@example.com"])
def test_what_is_no_number_is_compared_as_it_is(raw: str) -> None:
    assert query.number(raw, "to") == raw


@pytest.mark.parametrize("field", ["from", "to"])
def test_a_number_that_no_call_has_is_refused(field: str) -> None:
    error = refusal(field, "+1510\0")

    assert error.details == {"field": field, "example": "+15105550100"}


def test_a_name_is_any_that_livekit_may_have() -> None:
    assert query.name(RoomName, "call-_+15105550100_Ü x") == "call-_+15105550100_Ü x"


@pytest.mark.parametrize("raw", [" lead", "trail ", "a/b", "..", "%", "%2F"])
def test_a_name_filters_to_the_letter(raw: str) -> None:
    assert query.name(RoomName, raw) == raw


@pytest.mark.parametrize("field", ["roomName", "userIdentity"])
@pytest.mark.parametrize("raw", [" ", "\0", "a\0b", "r" * 513, "\ud800"])
def test_a_name_that_no_room_and_nobody_has_is_refused(field: str, raw: str) -> None:
    assert refusal(field, raw).details["field"] == field


@pytest.mark.parametrize(("raw", "limit"), [("1", 1), ("50", 50), ("200", 200)])
def test_a_limit_is_a_whole_number_up_to_200(raw: str, limit: int) -> None:
    assert query.limit(raw) == limit


@pytest.mark.parametrize("raw", ["0", "201", "-1", "+1", "1.0", "1e2", "ten", "٣", "9" * 5000])
def test_another_limit_is_refused(raw: str) -> None:
    error = refusal("limit", raw)

    assert str(error) == "limit must be a whole number from 1 to 200."
    assert error.details == {"field": "limit", "example": 50}


def test_a_cursor_is_the_position_that_wrote_it() -> None:
    position = Cursor(AT, "01890a5d-ac96-774b-bcce-b302099a8057")

    assert query.position(position.cursor) == position


@pytest.mark.parametrize("raw", ["nonsense", "ü", "\0", "MQ", "x" * 5000])
def test_another_cursor_is_refused(raw: str) -> None:
    assert refusal("cursor", raw).details == {"field": "cursor"}


@pytest.mark.parametrize("field", READERS)
@given(raw=st.text(max_size=60))
def test_whatever_is_made_up_is_read_or_refused_by_its_name(field: str, raw: str) -> None:
    try:
        READERS[field](raw)
    except InvalidInput as refused:
        error = refused
    else:
        error = InvalidInput("It was read.", field=field)

    assert error.details["field"] == field
    assert str(error).endswith(".")
