"""Ranges as RFC 9110, 14 has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recordings.byte_range import ByteRange, byte_range
from domain.shared.recording_errors import RangeNotSatisfiable


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-", 10, 1000),
        ("bytes=10-19", 10, 20),
        ("BYTES=990-5000", 990, 1000),
        ("bytes=-10", 990, 1000),
        ("bytes=-5000", 0, 1000),
        (" bytes= 0-999 ", 0, 1000),
    ],
)
def test_one_range_is_served(asked: str, start: int, end: int) -> None:
    found = byte_range(asked, 1000)

    assert found == ByteRange(start, end, 1000)
    assert found.content_range == f"bytes {start}-{end - 1}/1000"
    assert found.is_whole == (end - start == 1000)


@pytest.mark.parametrize(
    "asked",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "items=0-1",
     "bytes=a-b", "bytes=٣-٤", "bytes=--1", "bytes=0-1x", "bytes=" + "9" * 99 + "-"],
)  # fmt: skip
def test_what_is_no_single_range_is_ignored(asked: str | None) -> None:
    assert byte_range(asked, 1000) is None


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_without_a_byte_is_refused(asked: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        byte_range(asked, 1000)
    assert refused.value.size == 1000
    with pytest.raises(RangeNotSatisfiable):
        byte_range("bytes=0-", 0)


@given(st.text(), st.integers(0, 10**12))
def test_any_text_is_a_range_within_the_size_or_none(asked: str, size: int) -> None:
    try:
        found = byte_range(asked, size)
    except RangeNotSatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size
