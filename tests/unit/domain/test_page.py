"""Positions, and the cursors that callers get."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.page import Position

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9990, 1, 1)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=UTC, fold=0)
)


@given(TIMES, st.uuids())
def test_a_cursor_is_read_as_it_was_written(time: datetime, number: uuid.UUID) -> None:
    position = Position(time, str(number))
    assert Position.parse(position.cursor) == position
    assert position.cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "cursor", ["x", "é", "AAAA", "MTIz", "====", "a" * 10_000, "MS4wMTg5MGE1ZC1hYzk2", "\0"]
)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Position.parse(cursor)
    assert caught.value.details["field"] == "cursor"


@given(st.text(max_size=60))
def test_no_text_breaks_it(cursor: str) -> None:
    try:
        Position.parse(cursor)
    except InvalidInput:
        return
