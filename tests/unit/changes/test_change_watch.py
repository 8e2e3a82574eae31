"""Who is hinted what, over changes that a test makes and time that it lets pass."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import attrs
import pytest

from application.streaming import change_watch
from application.streaming.change_watch import OVERLAP, ChangeWatch
from application.streaming.listener import Closing, Listener
from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.changes.change import Area, Change, Room, readable_areas
from domain.events.event_filter import EventFilter
from domain.shared.errors import StorageUnavailable
from domain.webhooks.subscription import Reach
from tests.unit.events.test_event_stream import in_virtual_time
from tests.virtual_time import VirtualClock

SCOPES: Final = WORK | {Scope.WEBHOOKS_READ}
SECOND: Final = timedelta(seconds=1)


def key_of(tenant: str, *, sees_unowned: bool = False) -> Access:
    return Access(tenant=tenant, scopes=SCOPES, sees_unowned=sees_unowned)


@attrs.define
class FakeLedger:
    """Changes as they are stored."""

    stored: list[Change] = attrs.field(factory=list)
    owned: dict[Room, str | None] = attrs.field(factory=dict)
    asked: int = 0
    is_down: bool = False
    _numbers: count[int] = attrs.field(factory=count)

    def add(
        self, area: Area, at: datetime, *, reach: Reach | None = None, room: Room | None = None
    ) -> None:
        key = (next(self._numbers),)
        self.stored.append(Change(area=area, key=key, at=at, reach=reach, room=room))

    async def since(self, area: Area, at: datetime, limit: int) -> Sequence[Change]:
        self.asked += 1
        if self.is_down:
            raise StorageUnavailable("The database does not answer.")
        found = [one for one in self.stored if one.area is area and one.at >= at]
        return sorted(found, key=lambda one: one.at)[:limit]

    async def owners(self, rooms: Collection[Room]) -> frozenset[str | None]:
        return frozenset(self.owned[room] for room in rooms if room in self.owned)


def listener(access: Access = SYSTEM) -> Listener:
    return Listener(EventFilter(access=access), "k", "c", 0)


def heard(by: Listener) -> set[str]:
    """The areas that it was hinted since it was asked last."""
    text = by.take_hint().decode()
    if not text:
        return set()
    head, data = text.removesuffix("\n\n").split("\ndata: ")
    assert head == "event: changed"
    return set(json.loads(data)["areas"])


@attrs.define
class World:
    ledger: FakeLedger
    watch: ChangeWatch
    clock: VirtualClock

    def join(self, access: Access = SYSTEM) -> Listener:
        joined = listener(access)
        self.watch.add(joined, readable_areas(access))
        return joined

    def deliver(self, tenant: str, at: datetime | None = None) -> None:
        reach = Reach(tenant=tenant, sees_unowned=False)
        self.ledger.add(Area.DELIVERIES, at or self.clock.now(), reach=reach)

    def receive(self, room: Room | None = ("support", "RM_1"), at: datetime | None = None) -> None:
        self.ledger.add(Area.INBOX, at or self.clock.now(), room=room)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    ledger, clock = FakeLedger(), VirtualClock()
    watch = ChangeWatch(changes=ledger, clock=clock)
    running = asyncio.create_task(watch.run())
    try:
        yield World(ledger, watch, clock)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def look() -> None:
    await asyncio.sleep(1.05)


@in_virtual_time
async def test_given_no_listener_asks_then_nothing_is_read() -> None:
    async with world() as here:
        await asyncio.sleep(3600)
        assert here.ledger.asked == 0
        leaves = here.join()
        await asyncio.sleep(10)
        assert here.ledger.asked > 0
        leaves.close(Closing.LEFT)
        del leaves
        await look()
        asked = here.ledger.asked
        await asyncio.sleep(3600)
        assert here.ledger.asked == asked


@in_virtual_time
async def test_a_change_is_hinted_once_within_a_second_and_changes_together() -> None:
    async with world() as here:
        ops = here.join()
        await look()
        assert heard(ops) == set()
        for _ in range(20):
            here.deliver("ann")
        here.receive(room=None)
        await look()
        assert heard(ops) == {"deliveries", "inbox"}
        await asyncio.sleep(20)
        assert heard(ops) == set()


@in_virtual_time
async def test_what_is_hinted_while_a_listener_is_busy_waits_for_it() -> None:
    async with world() as here:
        busy = here.join()
        here.deliver("ann")
        await look()
        here.receive()
        await look()
        assert heard(busy) == {"deliveries", "inbox", "participants"}


@in_virtual_time
async def test_a_waiting_listener_is_woken() -> None:
    async with world() as here:
        waits = here.join()
        waiting = asyncio.create_task(waits.wait())
        await look()
        assert not waiting.done()
        here.deliver("ann")
        await look()
        assert waiting.done()


@in_virtual_time
async def test_given_another_tenant_s_changes_then_a_tenant_is_not_hinted() -> None:
    async with world() as here:
        ann, ben, ops = here.join(key_of("ann")), here.join(key_of("ben")), here.join()
        here.ledger.owned = {("hers", "RM_1"): "ann", ("nobody's", "RM_2"): None}
        here.deliver("ann")
        here.receive(("hers", "RM_1"))
        here.ledger.add(Area.API_KEYS, here.clock.now())
        await look()
        assert heard(ann) == {"deliveries", "participants"}
        assert heard(ben) == set()
        assert heard(ops) == {*Area}

        wide = here.join(key_of("ben", sees_unowned=True))
        here.receive(("nobody's", "RM_2"))
        here.receive(("unknown", "RM_3"))
        wider = Reach(tenant="ben", sees_all=True)
        here.ledger.add(Area.DELIVERIES, here.clock.now(), reach=wider)
        await look()
        assert heard(wide) == {"participants"}
        assert heard(ann) == heard(ben) == set()


@in_virtual_time
async def test_given_clocks_that_differ_then_each_change_is_hinted_once() -> None:
    async with world() as here:
        ops = here.join()
        await asyncio.sleep(60)
        here.deliver("ann", here.clock.now() + timedelta(minutes=1))
        await look()
        assert heard(ops) == {"deliveries"}
        here.deliver("ann", here.clock.now() - OVERLAP + SECOND)
        await look()
        assert heard(ops) == {"deliveries"}
        await asyncio.sleep(120)
        assert heard(ops) == set()


@in_virtual_time
async def test_given_more_changes_than_a_look_reads_then_the_others_are_hinted_later() -> None:
    async with world() as here:
        ann, ben = here.join(key_of("ann")), here.join(key_of("ben"))
        await asyncio.sleep(60)
        burst = here.clock.now()
        for number in range(60):
            here.deliver("ann", burst + timedelta(milliseconds=number))
        here.deliver("ben", burst + timedelta(milliseconds=60))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(change_watch, "PAGE", 4)
            patch.setattr(change_watch, "PAGES", 2)
            seconds = 0
            while not (theirs := heard(ben)):
                await asyncio.sleep(1)
                seconds += 1
                assert seconds < 20
        assert (theirs, heard(ann)) == ({"deliveries"}, {"deliveries"})
        assert seconds > OVERLAP.total_seconds()  # later than a look goes back, and yet not lost


@in_virtual_time
async def test_given_more_changes_of_one_moment_than_a_look_reads_then_it_goes_on() -> None:
    async with world() as here:
        ann, ben = here.join(key_of("ann")), here.join(key_of("ben"))
        await asyncio.sleep(60)
        for _ in range(9):
            here.deliver("ann")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(change_watch, "PAGE", 4)
            await asyncio.sleep(2 * OVERLAP.total_seconds())
            here.deliver("ben")
            await look()
            assert (heard(ann), heard(ben)) == ({"deliveries"}, {"deliveries"})


@in_virtual_time
async def test_given_the_storage_was_down_then_everything_is_hinted_as_it_is_back() -> None:
    async with world() as here:
        ann, ops = here.join(key_of("ann")), here.join()
        await look()
        here.ledger.is_down = True
        await asyncio.sleep(60)
        assert heard(ann) == heard(ops) == set()
        here.ledger.is_down = False
        await look()
        assert (heard(ann), heard(ops)) == ({"deliveries", "participants"}, {*Area})
        await asyncio.sleep(60)
        assert heard(ann) == heard(ops) == set()


@in_virtual_time
async def test_given_the_process_was_stopped_for_a_while_then_everything_is_hinted() -> None:
    async with world() as here:
        ann = here.join(key_of("ann"))
        await look()
        with pytest.MonkeyPatch.context() as patch:
            stopped = here.clock.monotonic() + 60
            patch.setattr(VirtualClock, "monotonic", lambda _self: stopped)
            await look()
        assert heard(ann) == {"deliveries", "participants"}
