"""Outlines of live entries are mapped in slices, so that no long page holds up the event loop."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Row

from adapters.sqlalchemy.mapping import readable_slices
from domain.shared.errors import StorageUnavailable, Unreadable


def test_given_a_long_page_then_its_rows_are_mapped_a_hundred_at_a_time() -> None:
    rows = cast("list[Row[Any]]", list(range(250)))
    mapped: list[int] = []
    unreadable: list[StorageUnavailable] = []

    def number_of(row: Row[Any]) -> int:
        number = cast("int", row)
        mapped.append(number)
        if number == 120:
            raise Unreadable("The stored session cannot be read.")
        return number

    sizes = [(len(part), len(mapped)) for part in readable_slices(rows, number_of, unreadable)]

    assert sizes == [(100, 100), (99, 200), (50, 250)]
    assert len(unreadable) == 1
