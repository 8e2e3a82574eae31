"""What the stream does under load, with gaps, and with a ledger that changes below it."""

from __future__ import annotations

import attrs
import pytest

from application.streaming import frame_ring
from application.streaming.frame_ring import FrameRing
from domain.events.domain_event import StoredEvent
from tests.unit.events.test_event_stream import ALL, world


async def numbered(number: int) -> list[StoredEvent]:
    """Events at the positions from 1."""
    async with world(runs=False) as here:
        await here.append()
        one = here.ledger.outbox.stored[0]
    return [attrs.evolve(one, position=position) for position in range(1, number + 1)]


async def test_given_a_page_larger_than_a_piece_then_all_of_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_ring, "CHUNK_BYTES", 100)
    async with world(runs=False) as here:
        ids = [await here.append() for _ in range(20)]

        pieces = [text async for text in here.stream.stored(ALL, None)]

        assert b"".join(pieces).decode().split() == ids
        assert len(pieces) == 10


async def test_given_many_who_come_back_at_other_places_then_few_pieces_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_ring, "MOST_CHUNK_BYTES", 1000)
    ring = FrameRing(lambda _: b"12345678")
    ring.add(await numbered(50))

    for after in range(50):
        text, reached = ring.chunk(ALL, after)
        assert (len(text), reached) == (8 * (50 - after), 50)

    assert ring.chunk_bytes <= 1000
    assert ring.chunk(ALL, 49)[0] is ring.chunk(ALL, 49)[0]
