"""Any outcomes and crashes: each receiver gets each event, and each session's in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from random import Random

import attrs
from hypothesis import given
from hypothesis import strategies as st

from application.workers.delivery_worker import DeliveryWorker
from application.workers.receiver import Receivers
from domain.webhooks.delivery import DeliveryStatus
from domain.webhooks.delivery_sender import Answer, NotDelivered
from tests.examples import examples
from tests.unit.webhooks.world import FakeSender, World

URLS = ("https://example.com/0", "https://example.com/1")


@attrs.define
class RandomSender(FakeSender):
    """Succeeds, fails, or is still waiting when its process is killed."""

    random: Random = attrs.field(factory=Random)
    confirmed: dict[str, list[str]] = attrs.field(factory=lambda: defaultdict(list))
    is_calm: bool = False

    async def send(self, url: str, secrets: object, message_id: str, body: bytes) -> Answer:  # noqa: ARG002
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)
        if self.is_calm or self.random.random() < 0.6:
            self.confirmed[url].append(message_id)
            if not self.is_calm and self.random.random() < 0.2:
                raise NotDelivered("The answer was lost.")
            return Answer(status=200)
        if self.random.random() < 0.5:
            raise NotDelivered("The receiver could not be reached.")
        return Answer(status=self.random.choice((301, 404, 429, 500)))


async def kill(worker: DeliveryWorker) -> None:
    """End its tasks where they are; nothing is given back."""
    tasks = [*worker._working]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def first_times(received: list[str]) -> list[str]:
    return list(dict.fromkeys(received))


@given(seed=st.integers(0, 2**32))
@examples(60)
def test_every_event_reaches_each_receiver_in_the_order_of_its_session(seed: int) -> None:
    asyncio.run(_history(seed))


async def _history(seed: int) -> None:
    random = Random(seed)
    sender = RandomSender(random=random)
    world = World(sender=sender)
    webhooks = [await world.webhook(url.rpartition("/")[2]) for url in URLS]
    workers = [world.worker(), world.worker(receivers=Receivers(of_receiver=1))]
    events: dict[int, list[str]] = defaultdict(list)
    for _ in range(random.randrange(5, 40)):
        step = random.random()
        if step < 0.5:
            session = random.randrange(4)
            events[session].append((await world.event(session)).id.value)
        elif step < 0.8:
            await random.choice(workers).look()
            for _ in range(random.randrange(6)):
                await asyncio.sleep(0)
        elif step < 0.9:
            index = random.randrange(len(workers))
            await kill(workers[index])
            workers[index] = world.worker()
        else:
            world.clock.advance(timedelta(seconds=random.choice((1, 10, 60))))
            now = world.clock.now()
            await world.memory.webhook_lanes.lapse(now, now + timedelta(hours=1))
    for worker in workers:
        await kill(worker)
    sender.is_calm = True
    for _ in range(3):  # leases lapse, retries become due
        world.clock.advance(timedelta(hours=1))
        now = world.clock.now()
        await world.memory.webhook_lanes.lapse(now, now + timedelta(hours=1))
        await world.deliver()

    for webhook in webhooks:
        deliveries = await world.of(webhook)
        assert {delivery.status for delivery in deliveries} <= {DeliveryStatus.SUCCEEDED}
        assert len(deliveries) == sum(map(len, events.values()))
        received = first_times(sender.confirmed[webhook.url])
        for of_session in events.values():
            wanted = set(of_session)
            assert [event for event in received if event in wanted] == of_session
