"""What is sent for a listener, and what its own task sends."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from application.streaming import event_stream, serving
from application.streaming.serving_pace import SECONDS_EACH, SLOWEST
from domain.events.domain_event import EventKind
from tests.unit.events.test_event_stream import (
    ALL,
    ENDS,
    Heard,
    World,
    in_virtual_time,
    soon,
    world,
)


class Sent(Heard):
    """Remembers in which task each text was sent, and fails when it shall."""

    def __init__(self, here: World, heard: Heard) -> None:
        heard.task.cancel()
        self.by_itself: list[bool] = []
        self.times: list[float] = []
        self.fails = False
        super().__init__(here.stream, heard.listener)

    async def _send(self, text: bytes) -> None:
        self.times.append(asyncio.get_running_loop().time())
        self.by_itself.append(asyncio.current_task() is self.task)
        if self.fails:
            raise ConnectionResetError
        await super()._send(text)


@in_virtual_time
async def test_what_is_taken_at_once_is_sent_for_a_listener_without_its_task() -> None:
    async with world() as here:
        heard = Sent(here, await here.join())
        await soon()

        ids = []
        for _ in range(3):
            ids.append(await here.append())
            await soon()

        assert heard.ids == ids
        assert heard.by_itself == [False] * 3


@in_virtual_time
async def test_given_a_client_that_takes_nothing_then_only_its_own_task_waits() -> None:
    async with world() as here:
        slow, quick = Sent(here, await here.join()), Sent(here, await here.join())
        await soon()
        slow.blocked.clear()

        ids = []
        for _ in range(3):
            ids.append(await here.append())
            await soon()

        assert (slow.ids, quick.ids) == ([], ids)
        assert slow.listener.sending_since is not None
        slow.blocked.set()
        await soon()
        assert slow.ids == ids
        assert slow.by_itself == [False, True]
        assert slow.listener.sending_since is None


@in_virtual_time
async def test_given_sending_fails_then_that_stream_ends_and_others_go_on() -> None:
    async with world() as here:
        broken, other = Sent(here, await here.join()), Sent(here, await here.join())
        await soon()
        broken.fails = True

        ids = [await here.append()]
        await soon()
        ids.append(await here.append())
        await soon()

        assert isinstance(broken.task.exception(), ConnectionResetError)
        assert other.ids == ids


@in_virtual_time
async def test_what_may_have_to_wait_for_its_turn_a_listener_s_own_task_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "_GIVEN_BYTES", 10)
    async with world() as here:
        heard = Sent(here, await here.join())
        await soon()

        event = await here.append()
        await soon()

        assert heard.ids == [event]
        assert heard.by_itself == [True]


@in_virtual_time
async def test_what_a_listener_does_not_want_is_passed_over_without_its_task() -> None:
    async with world() as here:
        heard = Sent(here, await here.join(ENDS))
        await soon()

        await here.append(kind=EventKind.USAGE_READY)
        await soon()

        assert heard.by_itself == []
        assert heard.listener.position == here.ledger.outbox.stored[-1].position
        wanted = await here.append(kind=EventKind.SESSION_ENDED)
        await soon()
        assert heard.ids == [wanted]


@in_virtual_time
async def test_given_many_listeners_then_few_are_served_at_once_and_all_soon() -> None:
    async with world() as here:
        many = [Sent(here, await here.join()) for _ in range(200)]
        await soon()

        began = asyncio.get_running_loop().time()
        event = await here.append()
        await soon()

        assert all(heard.ids == [event] for heard in many)
        times = Counter(time for heard in many for time in heard.times)
        assert max(times.values()) <= 50
        assert max(times) - began <= 200 * SECONDS_EACH


@in_virtual_time
async def test_given_more_events_than_a_page_then_the_rest_is_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "PAGE", 2)
    async with world() as here:
        many = [Sent(here, await here.join()) for _ in range(300)]
        await soon()

        began = asyncio.get_running_loop().time()
        events = [await here.append() for _ in range(40)]
        await soon()

        assert all(heard.ids == events for heard in many)
        assert max(heard.times[-1] for heard in many) - began <= 2 * 300 * SECONDS_EACH


@in_virtual_time
async def test_given_few_listeners_and_requests_wait_no_more_then_they_hear_soon_again() -> None:
    async with world() as here:
        await here.join()
        pace = here.stream._serving.pace
        for _ in range(200):
            pace.pause(50, began=0.0, lap=1.0)
        assert pace.slowness == SLOWEST

        for _ in range(200):
            await here.append()
            await soon()

        assert pace.slowness == 1.0


@in_virtual_time
async def test_given_many_whom_an_event_is_not_for_then_others_do_not_wait_for_them() -> None:
    async with world() as here:
        others = [Sent(here, await here.join(ENDS)) for _ in range(200)]
        heard = Sent(here, await here.join())
        await soon()

        began = asyncio.get_running_loop().time()
        await here.append(kind=EventKind.USAGE_READY)
        await soon()

        assert heard.times == [began]
        end = await here.append(kind=EventKind.SESSION_ENDED)
        await soon()
        assert all(other.ids == [end] for other in others)


@in_virtual_time
async def test_given_one_that_is_behind_then_it_hears_what_others_pass_over() -> None:
    async with world() as here:
        behind, other = Sent(here, await here.join(ENDS)), Sent(here, await here.join(ENDS))
        await soon()
        behind.blocked.clear()
        ends = [await here.append(kind=EventKind.SESSION_ENDED)]
        await soon()
        ends.append(await here.append(kind=EventKind.SESSION_ENDED))
        await here.append(kind=EventKind.USAGE_READY)
        await soon()

        behind.blocked.set()
        await soon()

        assert behind.ids == other.ids == ends


@in_virtual_time
async def test_those_who_want_the_same_are_served_one_after_another() -> None:
    async with world() as here:
        by_turns = [Sent(here, await here.join(wanted)) for wanted in (ENDS, ALL) * 3]
        by_turns[0].task.cancel()
        here.stream.leave(by_turns[0].listener)

        wanted = [listener.wanted for listener in here.stream._listeners]

        assert wanted == [ENDS] * 2 + [ALL] * 3
        for heard in by_turns:
            here.stream.leave(heard.listener)
        assert len(here.stream._listeners) == 0
