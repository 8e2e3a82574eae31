"""Webhooks on the memory adapter, with an outbox and a sender that tests control."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import attrs

from adapters.memory.storage import MemoryStorage
from adapters.memory.webhooks import MemoryWebhooks
from application.workers.delivery_signal import DeliverySignal
from application.workers.delivery_worker import DeliveryWorker
from domain.access.access import SYSTEM, Access
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind, NewEvent, StoredEvent
from domain.shared.identifiers import SessionId, WebhookId
from domain.shared.timeline import Source
from domain.webhooks.deliver import Deliver
from domain.webhooks.delivery import Delivery, DeliveryStatus
from domain.webhooks.delivery_sender import Answer, NotDelivered
from domain.webhooks.disable_webhook import DisableWebhook
from domain.webhooks.fan_out import FanOut
from domain.webhooks.manage_deliveries import ManageDeliveries
from domain.webhooks.manage_webhooks import ManageWebhooks
from domain.webhooks.send_event import SendEvent
from domain.webhooks.subscription import Webhook
from tests.unit.worlds.fakes import FakeClock, SequentialIds

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Outcome = int | str | Answer


@attrs.define
class FakeSender:
    """Answers as ``answer`` says for a URL and an event; remembers what it was sent."""

    answer: Callable[[str, str], Outcome] = lambda _url, _event_id: 204
    sent: list[tuple[str, str]] = attrs.field(factory=list)
    secrets: list[Sequence[str]] = attrs.field(factory=list)

    async def send(self, url: str, secrets: Sequence[str], message_id: str, body: bytes) -> Answer:
        assert body
        self.secrets.append(secrets)
        outcome = self.answer(url, message_id)
        await asyncio.sleep(0)
        self.sent.append((url, message_id))
        if outcome == "hangs":
            await asyncio.Event().wait()
        if isinstance(outcome, Answer):
            return outcome
        if isinstance(outcome, str):
            raise NotDelivered(f"The receiver {outcome}.")
        return Answer(status=outcome)


class Secrets:
    def __init__(self) -> None:
        self.made = 0

    def webhook_secret(self) -> str:
        self.made += 1
        return f"{SECRET}{self.made}"


@attrs.define
class World:
    """A ledger in memory, and processes that deliver from it."""

    sender: FakeSender = attrs.field(factory=FakeSender)
    clock: FakeClock = attrs.field(factory=FakeClock)
    ids: SequentialIds = attrs.field(factory=SequentialIds)
    outcomes: list[str] = attrs.field(factory=list)
    memory: MemoryStorage = attrs.field(init=False)

    @memory.default
    def _ledger(self) -> MemoryStorage:
        announcer = Announcer(
            ids=self.ids, clock=self.clock, present=str, grace=timedelta(seconds=1)
        )
        memory = MemoryStorage(announcer)
        memory.webhooks = MemoryWebhooks()  # without events of their own among those of sessions
        return memory

    @property
    def manage(self) -> ManageWebhooks:
        return ManageWebhooks(
            webhooks=self.memory.webhooks,
            deliveries=self.memory.webhook_deliveries,
            outbox=self.memory.outbox,
            clock=self.clock,
            ids=self.ids,
            secrets=Secrets(),
            allow_private=False,
        )

    @property
    def deliveries(self) -> ManageDeliveries:
        return ManageDeliveries(
            webhooks=self.memory.webhooks,
            deliveries=self.memory.webhook_deliveries,
            outbox=self.memory.outbox,
            clock=self.clock,
            signal=DeliverySignal(),
        )

    @property
    def send_event(self) -> SendEvent:
        return SendEvent(sender=self.sender, clock=self.clock, limit=timedelta(seconds=0.05))

    def worker(self, **changes: Any) -> DeliveryWorker:
        """A process's worker."""
        memory = self.memory
        deliver = Deliver(
            webhooks=memory.webhooks,
            outbox=memory.outbox,
            send_event=self.send_event,
            disable_webhook=DisableWebhook(
                webhooks=memory.webhooks,
                unit_of_work=memory.unit_of_work,
                clock=self.clock,
                present=lambda webhook: {"webhookId": webhook.id.value},
            ),
            clock=self.clock,
            body_of=lambda event: event.id.value.encode(),
        )
        fan_out = FanOut(
            outbox=memory.outbox,
            webhooks=memory.webhooks,
            deliveries=memory.webhook_deliveries,
            clock=self.clock,
            ids=self.ids,
        )
        values: dict[str, Any] = {
            "fan_out": fan_out,
            "lanes": memory.webhook_lanes,
            "deliver": deliver,
            "clock": self.clock,
            "ids": self.ids,
            "signal": DeliverySignal(),
            "watch": lambda outcome, _seconds: self.outcomes.append(outcome),
        }
        return DeliveryWorker(**(values | changes))

    async def webhook(self, name: str = "a", access: Access = SYSTEM, **fields: Any) -> Webhook:
        given = {"url": f"https://example.com/{name}", "events": ["*"], **fields}
        return await self.manage.create(given, access)

    async def event(
        self,
        session: int = 1,
        tenant: str | None = None,
        kind: EventKind = EventKind.SESSION_CREATED,
    ) -> StoredEvent:
        """Append an event of a session."""
        async with self.memory.unit_of_work() as work:
            await work.events.append(
                NewEvent(
                    kind=kind,
                    occurred_at=self.clock.now(),
                    source=Source.API,
                    data={"session": session},
                    tenant=tenant,
                    session_id=SessionId(f"00000000-0000-7000-8000-{session:012x}"),
                )
            )
            await work.commit()
        return self.memory.outbox.stored[-1]

    async def deliver(self, worker: DeliveryWorker | None = None) -> None:
        """Deliver all that is due."""
        worker = worker or self.worker()
        while await worker.look():
            pass
        await worker.idle()

    async def of(self, webhook: Webhook, status: DeliveryStatus | None = None) -> list[Delivery]:
        """Return the webhook's deliveries, the oldest first."""
        page = await self.deliveries.page(webhook.id.value, SYSTEM, status=status, limit=200)
        return page.items[::-1]

    async def stored(self, webhook_id: WebhookId) -> Webhook:
        found = await self.memory.webhooks.get(webhook_id, SYSTEM)
        assert found is not None
        return found
