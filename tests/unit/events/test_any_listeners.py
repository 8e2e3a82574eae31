"""Whatever comes and goes, each listener hears all that it wants, once and in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.streaming import frame_ring, serving, stored_events
from domain.events.domain_event import EventKind, StoredEvent
from domain.events.event_filter import EventFilter
from tests.contract.storage.ledgers import access_of
from tests.unit.events.test_event_stream import (
    ALL,
    ENDS,
    Heard,
    World,
    in_virtual_time,
    soon,
    world,
)

TENANTS = ("acme", "other")
KINDS = (EventKind.USAGE_READY, EventKind.SESSION_ENDED)
FILTERS = (
    ALL,
    EventFilter(access=access_of("acme")),
    ENDS,
)
some = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("append"), st.sampled_from(TENANTS), st.sampled_from(KINDS)),
    st.tuples(st.just("join"), st.sampled_from(FILTERS), st.none() | some),
    st.tuples(st.just("leave"), some),
    st.tuples(st.just("block"), some),
    st.tuples(st.just("unblock"), some),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.0001, 0.001, 0.02, 0.1])),
)
"""The numbers say which listener, or behind which event one begins."""


def with_slow_reads(here: World) -> None:
    """Let others go on while the outbox is read."""
    read = here.ledger.outbox.after

    async def after(*args: Any, **options: Any) -> Any:
        await asyncio.sleep(0.001)
        return await read(*args, **options)

    here.ledger.outbox.after = after  # type: ignore[method-assign]


class Audience:
    """Those who listen, and from which position on."""

    def __init__(self, here: World) -> None:
        self._here = here
        self._heard: list[tuple[Heard, EventFilter, int]] = []

    async def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("append", tenant, kind):
                await self._here.append(tenant=tenant, kind=kind)
            case ("join", wanted, number):
                await self._join(wanted, number)
            case ("wait", seconds):
                await asyncio.sleep(seconds)
            case (change, number) if self._heard:
                self._change(change, number % len(self._heard))

    async def _join(self, wanted: EventFilter, number: int | None) -> None:
        stored = self._here.ledger.outbox.stored
        last = stored[number % len(stored)].id.value if number is not None and stored else None
        heard = await self._here.join(wanted, last)
        self._heard.append((heard, wanted, heard.listener.position))

    def _change(self, change: str, number: int) -> None:
        heard = self._heard[number][0]
        match change:
            case "leave":
                del self._heard[number]
                heard.task.cancel()
                self._here.stream.leave(heard.listener)
            case "block":
                heard.blocked.clear()
            case "unblock":
                heard.blocked.set()

    async def check(self) -> None:
        for heard, _, _ in self._heard:
            heard.blocked.set()
        await soon()
        for heard, wanted, begins in self._heard:
            assert heard.ids == self._wanted(wanted, begins)

    def _wanted(self, wanted: EventFilter, begins: int) -> list[str]:
        def is_wanted(event: StoredEvent) -> bool:
            return event.position > begins and wanted.matches(event)

        return [event.id.value for event in self._here.ledger.outbox.stored if is_wanted(event)]


@given(history=st.lists(steps, max_size=40), given_bytes=st.sampled_from([0, 100, 64_000]))
@settings(max_examples=200, deadline=None)
def test_each_listener_hears_all_that_it_wants_once_and_in_order(
    history: list[tuple[Any, ...]], given_bytes: int
) -> None:
    @in_virtual_time
    async def lived() -> None:
        async with world() as here:
            with_slow_reads(here)
            audience = Audience(here)
            for step in history:
                await audience.take(step)
            await audience.check()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "TOGETHER", 2)
        patch.setattr(serving, "_GIVEN_BYTES", given_bytes)
        patch.setattr(frame_ring, "MOST_FRAMES", 4)
        patch.setattr(stored_events, "PAGE", 3)
        lived()
