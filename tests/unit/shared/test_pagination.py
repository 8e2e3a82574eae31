"""Pages of lists: positions, the cursors that callers get, and spans of time."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.errors import InvalidInput
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Page, Span

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9990, 1, 1)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC, fold=0)
)


@given(TIMES, st.uuids())
def test_a_cursor_is_read_as_it_was_written(time: datetime, number: uuid.UUID) -> None:
    position = Cursor(time, str(number))
    assert Cursor.parse(position.cursor) == position
    assert position.cursor.replace("-", "").replace("_", "").isalnum()


@given(
    TIMES,
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=128
    ),
)
def test_a_cursor_of_a_list_with_other_ids_is_read_as_it_was_written(
    time: datetime, name: str
) -> None:
    position = Cursor(time, name)
    assert Cursor.parse(position.cursor, any_id=True) == position


@pytest.mark.parametrize("name", ["", "a\0", "a" * 129])
def test_an_id_that_no_database_compares_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        Cursor.parse(Cursor(AT, name).cursor, any_id=True)


@pytest.mark.parametrize(
    "cursor", ["x", "é", "AAAA", "MTIz", "====", "a" * 10_000, "MS4wMTg5MGE1ZC1hYzk2", "\0"]
)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Cursor.parse(cursor)
    assert caught.value.details["field"] == "cursor"


@given(st.text(max_size=60))
def test_no_text_breaks_it(cursor: str) -> None:
    try:
        Cursor.parse(cursor)
    except InvalidInput:
        return


def test_a_page_is_as_long_as_the_documentation_says() -> None:
    assert (DEFAULT_LIMIT, MAX_LIMIT) == (50, 200)


@attrs.frozen
class Aged:
    """What is in a list."""

    age: tuple[datetime, str]


def aged(count: int) -> list[Aged]:
    return [Aged((AT - timedelta(minutes=number), f"id-{number}")) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_fits_is_the_last_page(count: int) -> None:
    assert Page.cut(aged(count), 3) == Page(aged(count), None)


def test_given_one_more_was_found_then_the_next_page_begins_after_the_last_that_is_shown() -> None:
    page = Page.cut(aged(4), 3)

    assert page.items == aged(3)
    assert page.next == Cursor(AT - timedelta(minutes=2), "id-2")


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("span", "held"),
    [
        (Span(), [True, True, True]),
        (Span(since=AT), [False, True, True]),
        (Span(until=AT), [True, False, False]),
        (Span(since=AT, until=AT), [False, False, False]),
        (Span(since=AT, until=AT + SECOND), [False, True, False]),
        (Span(since=AT - SECOND, until=AT + SECOND), [True, True, False]),
    ],
)
def test_a_span_holds_its_beginning_and_not_its_end(span: Span, held: list[bool]) -> None:
    times = [AT - SECOND, AT, AT + SECOND]

    assert [span.holds(time) for time in times] == held


@pytest.mark.parametrize("milliseconds", [0, 1, 1_700_000_000_123])
def test_a_cursor_is_the_milliseconds_since_1970_and_the_id(milliseconds: int) -> None:
    number = "01890a5d-ac96-774b-bcce-b302099a8057"
    position = Cursor(datetime(1970, 1, 1, tzinfo=UTC) + milliseconds * MILLISECOND, number)

    text = base64.urlsafe_b64decode(position.cursor + "==").decode()

    assert text == f"{milliseconds}.{number}"
    assert not position.cursor.endswith("=")
