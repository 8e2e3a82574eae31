"""A developer's machine gets what a webhook would, one after another, each once."""

from __future__ import annotations

import asyncio

import pytest

from domain.access.access import SYSTEM, Access, Scope
from domain.events.domain_event import EventKind
from domain.shared.errors import Forbidden
from domain.webhooks.forward_events import POLL, ForwardEvents
from tests.unit.webhooks.world import Secrets, World

URL = "http://127.0.0.1:8000"


@pytest.fixture
def world() -> World:
    return World()


def forward(world: World) -> ForwardEvents:
    return ForwardEvents(
        outbox=world.memory.outbox,
        send_event=world.send_event,
        clock=world.clock,
        ids=world.ids,
        secrets=Secrets(),
        body_of=lambda event: event.data.encode(),
    )


async def test_what_is_not_asked_for_is_passed_over_and_what_comes_later_waited_for(
    world: World,
) -> None:
    forwarding = forward(world)
    webhook = await forwarding.target(URL, ["session.ended"], None, SYSTEM)
    await world.event(1)
    first = await world.event(2, kind=EventKind.SESSION_ENDED)
    stream = forwarding(webhook, SYSTEM)
    assert (await anext(stream)).event == first

    waiting = asyncio.ensure_future(anext(stream))
    while not world.clock.slept:  # noqa: ASYNC110 - time that no caller waits for
        await asyncio.sleep(0)
    later = await world.event(3, kind=EventKind.SESSION_ENDED)

    assert (await waiting).event == later
    assert world.clock.slept[0] == POLL
    assert [event_id for _, event_id in world.sender.sent] == [first.id.value, later.id.value]


async def test_a_receiver_that_fails_gets_the_next_event_all_the_same(world: World) -> None:
    forwarding = forward(world)
    webhook = await forwarding.target(URL, ["*"], None, SYSTEM)
    world.sender.answer = lambda _url, _event_id: 500
    await world.event(1)
    await world.event(2)
    stream = forwarding(webhook, SYSTEM)

    assert [(await anext(stream)).attempt.status_code for _ in range(2)] == [500, 500]


async def test_only_an_operator_forwards_events(world: World) -> None:
    forwarding = forward(world)
    webhook = await forwarding.target(URL, ["*"], None, SYSTEM)
    ann = Access(tenant="ann", scopes=frozenset({Scope.WEBHOOKS_WRITE}))

    with pytest.raises(Forbidden):
        await anext(forwarding(webhook, ann))
