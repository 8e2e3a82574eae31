"""Large answers in pieces."""

from __future__ import annotations

from contextlib import suppress

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol.models import Room
from livekit.protocol.room import ListRoomsResponse

from adapters.livekit.pieces import pieces


def listed(names: list[str]) -> bytes:
    return ListRoomsResponse(
        rooms=[Room(name=name, num_participants=len(name)) for name in names]
    ).SerializeToString()


@given(st.lists(st.text(max_size=300)), st.integers(1, 5))
def test_given_any_list_then_its_pieces_are_the_whole_of_it(names: list[str], size: int) -> None:
    found = [ListRoomsResponse.FromString(piece) for piece in pieces(listed(names), size)]

    assert [room.name for answer in found for room in answer.rooms] == names
    assert all(0 < len(answer.rooms) <= size for answer in found)


@given(st.binary(max_size=200))
def test_given_any_bytes_then_the_pieces_are_refused_or_read_as_the_whole_is(data: bytes) -> None:
    whole = ListRoomsResponse()
    with suppress(DecodeError):
        whole.MergeFromString(data)
        merged = ListRoomsResponse()
        try:
            for piece in pieces(data, 2):
                merged.MergeFromString(piece)
        except DecodeError:
            return  # deprecated groups, which LiveKit does not use
        assert merged == whole


@pytest.mark.parametrize("cut", [1, 5])
def test_given_an_answer_that_is_cut_short_then_it_is_refused(cut: int) -> None:
    with pytest.raises(DecodeError):
        list(pieces(listed(["a-room", "another"])[:-cut], 500))
