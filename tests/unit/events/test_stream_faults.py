"""What the stream does under load, with gaps, and with a ledger that changes below it."""

from __future__ import annotations

import pytest

from application.streaming import frame_ring
from tests.unit.events.test_event_stream import ALL, world


async def test_given_a_page_larger_than_a_piece_then_all_of_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_ring, "CHUNK_BYTES", 100)
    async with world(runs=False) as here:
        ids = [await here.append() for _ in range(20)]

        pieces = [text async for text in here.stream.stored(ALL, None)]

        assert b"".join(pieces).decode().split() == ids
        assert len(pieces) == 10
