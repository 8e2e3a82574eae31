"""Outgoing webhooks: their subscriptions, deliveries and the worker that delivers."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.system.keys import RandomKeys
from adapters.webhooks.delivery_sender import HttpDeliverySender
from application.workers.delivery_signal import DeliverySignal
from application.workers.delivery_worker import DeliveryWorker
from domain.webhooks.add_webhook_once import AddWebhookOnce
from domain.webhooks.deliver import Deliver
from domain.webhooks.disable_webhook import DisableWebhook
from domain.webhooks.fan_out import FanOut
from domain.webhooks.forward_events import ForwardEvents
from domain.webhooks.manage_deliveries import ManageDeliveries
from domain.webhooks.manage_webhooks import ManageWebhooks
from domain.webhooks.prune_events import PruneEvents
from domain.webhooks.read_deliveries import ReadDeliveries
from domain.webhooks.send_event import SendEvent
from domain.webhooks.try_webhook import TryWebhook
from entrypoints.container.calls import Calls
from entrypoints.container.core import Core
from entrypoints.container.events import Events
from entrypoints.container.idempotency import Idempotency
from entrypoints.container.observability import Observability
from entrypoints.container.storage import Storage
from entrypoints.presenters.events import event_body
from entrypoints.presenters.webhooks import webhook_data

settings = Core.settings.provided
storage = Storage.storage.provided


class Webhooks(containers.DeclarativeContainer):
    """``delivery_worker`` delivers events in the background."""

    delivery_signal = providers.Singleton(DeliverySignal)
    delivery_sender = providers.Singleton(
        HttpDeliverySender,
        Core.clock.provided.timestamp,
        allow_private=settings.webhook_allow_private,
    )
    send_event = providers.Singleton(SendEvent, sender=delivery_sender, clock=Core.clock)
    manage_webhooks = providers.Singleton(
        ManageWebhooks,
        webhooks=storage.webhooks,
        deliveries=storage.webhook_deliveries,
        outbox=storage.outbox,
        clock=Core.clock,
        ids=Core.ids,
        secrets=providers.Singleton(RandomKeys),
        allow_private=settings.webhook_allow_private,
    )
    add_webhook_once = providers.Singleton(
        AddWebhookOnce,
        idempotent_execution=Idempotency.idempotent_execution,
        manage_webhooks=manage_webhooks,
    )
    try_webhook = providers.Singleton(
        TryWebhook,
        webhooks=storage.webhooks,
        send_event=send_event,
        clock=Core.clock,
        ids=Core.ids,
        body_of=providers.Object(event_body),
    )
    manage_deliveries = providers.Singleton(
        ManageDeliveries,
        webhooks=storage.webhooks,
        deliveries=storage.webhook_deliveries,
        outbox=storage.outbox,
        clock=Core.clock,
        signal=delivery_signal,
    )
    read_deliveries = providers.Singleton(
        ReadDeliveries,
        read_events=Calls.read_events,
        outbox=storage.outbox,
        deliveries=storage.webhook_deliveries,
    )
    fan_out = providers.Singleton(
        FanOut,
        outbox=storage.outbox,
        webhooks=storage.webhooks,
        deliveries=storage.webhook_deliveries,
        clock=Core.clock,
        ids=Core.ids,
    )
    disable_webhook = providers.Singleton(
        DisableWebhook,
        webhooks=storage.webhooks,
        unit_of_work=storage.unit_of_work,
        clock=Core.clock,
        present=providers.Object(webhook_data),
    )
    deliver = providers.Singleton(
        Deliver,
        webhooks=storage.webhooks,
        outbox=storage.outbox,
        send_event=send_event,
        disable_webhook=disable_webhook,
        clock=Core.clock,
        body_of=providers.Object(event_body),
    )
    delivery_worker = providers.Singleton(
        DeliveryWorker,
        fan_out=fan_out,
        lanes=storage.webhook_lanes,
        deliver=deliver,
        clock=Core.clock,
        ids=Core.ids,
        signal=delivery_signal,
        watch=Observability.telemetry.provided.delivery,
        event_signal=Events.event_signal,
        liveness=Storage.heartbeat,
    )
    local_sender = providers.Singleton(
        HttpDeliverySender, Core.clock.provided.timestamp, allow_private=True
    )
    forward_events = providers.Singleton(
        ForwardEvents,
        outbox=storage.outbox,
        send_event=providers.Singleton(SendEvent, sender=local_sender, clock=Core.clock),
        clock=Core.clock,
        ids=Core.ids,
        secrets=providers.Singleton(RandomKeys),
        body_of=providers.Object(event_body),
    )
    event_pruning = providers.List(
        providers.Singleton(
            PruneEvents,
            outbox=storage.outbox,
            webhooks=storage.webhooks,
            deliveries=storage.webhook_deliveries,
        ),
        settings.event_retention,
    )
    delivery_pruning = providers.List(storage.webhook_deliveries.prune, settings.event_retention)
