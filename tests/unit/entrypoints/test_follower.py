"""Which calls a look tells of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

from adapters.memory.storage import MemoryStorage
from adapters.memory.unit_of_work import MemoryUnitOfWork
from adapters.phonenumbers.phone_numbers import normalised
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantLeft, ParticipantSeen
from domain.calls.read_calls import ReadCalls
from domain.rooms.sip_leg import SipLeg
from domain.shared.identifiers import CallId
from domain.shared.pagination import MAX_LIMIT
from domain.shared.timeline import Source
from entrypoints.cli.follower import MAX_ASIDE, Follower

START = datetime(2026, 11, 23, 6, 27, 37, tzinfo=UTC)


@attrs.define
class Calls:
    """A ledger, and somebody who follows it."""

    ledger: MemoryStorage = attrs.field(factory=MemoryStorage)
    number: int = 0
    reads: int = 0
    follower: Follower = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.follower = Follower(ReadCalls(self._counted, normalised))

    def _counted(self) -> MemoryUnitOfWork:
        self.reads += 1
        return self.ledger.unit_of_work()

    async def come(self, count: int = 1) -> list[Call]:
        """Calls that came one after the other, and live."""
        calls = []
        async with self.ledger.unit_of_work() as work:
            for _ in range(count):
                self.number += 1
                joined_at = START + timedelta(seconds=self.number)
                name = f"room-{self.number}"
                call = apply(
                    Call(
                        id=CallId(f"01890a5d-ac96-774b-bcce-{self.number:012x}"),
                        leg=SipLeg(
                            room_name=name,
                            room_sid=name,
                            participant_sid=name,
                            participant_identity=name,
                            joined_at=joined_at,
                        ),
                    ),
                    ParticipantSeen(None, joined_at, Source.WEBHOOK),
                )
                await work.calls.add(call)
                calls.append(call)
            await work.commit()
        return calls

    async def end(self, *calls: Call) -> None:
        async with self.ledger.unit_of_work() as work:
            for call in calls:
                await work.calls.save(
                    apply(call, ParticipantLeft(START + timedelta(days=1), Source.WEBHOOK))
                )
            await work.commit()

    async def looks(self) -> list[tuple[CallId, str]]:
        """What one look tells."""
        return [(call.id, call.status.value) for call in await self.follower.look()]


async def test_a_call_is_told_of_when_it_comes_and_when_its_status_changes() -> None:
    calls = Calls()

    first, second = await calls.come(2)
    assert await calls.looks() == [(first.id, "active"), (second.id, "active")]
    assert await calls.looks() == []
    await calls.end(first)
    assert await calls.looks() == [(first.id, "ended")]
    assert await calls.looks() == []


async def test_a_live_call_is_followed_when_newer_ones_have_pushed_it_off_the_page() -> None:
    calls = Calls()
    [old] = await calls.come()
    await calls.looks()

    await calls.come(MAX_LIMIT)
    assert len(await calls.looks()) == MAX_LIMIT
    await calls.end(old)

    assert await calls.looks() == [(old.id, "ended")]
    assert await calls.looks() == []


async def test_a_look_is_bounded_and_every_live_call_has_its_turn() -> None:
    calls = Calls()
    old = await calls.come(MAX_ASIDE * 3)
    await calls.looks()
    await calls.come(MAX_LIMIT)
    await calls.end(*old)

    ended: list[tuple[CallId, str]] = []
    for _ in range(3):
        calls.reads = 0
        ended += [told for told in await calls.looks() if told[1] == "ended"]
        assert calls.reads <= 1 + MAX_ASIDE

    assert set(ended) == {(call.id, "ended") for call in old}
    calls.reads = 0
    await calls.looks()
    assert calls.reads == 1
