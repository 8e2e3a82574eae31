"""LiveKit's webhooks: storing and processing them."""

from __future__ import annotations

from dependency_injector import containers, providers

from application.workers.inbox_signal import InboxSignal
from application.workers.inbox_worker import InboxWorker
from domain.inbox.process_entry import ProcessInboxEntry
from domain.inbox.read_entries import ReadEntries
from domain.inbox.receive_webhook import ReceiveWebhook
from domain.inbox.replay_entries import ReplayEntries
from entrypoints.container.core import Core
from entrypoints.container.livekit import LiveKit
from entrypoints.container.observability import Observability
from entrypoints.container.reconciliation import Reconciliation
from entrypoints.container.recordings import Recordings
from entrypoints.container.storage import Storage


class Inbox(containers.DeclarativeContainer):
    """``inbox_worker`` processes entries in the background."""

    inbox = Storage.storage.provided.inbox
    inbox_signal = providers.Singleton(InboxSignal)
    receive_webhook = providers.Singleton(
        ReceiveWebhook,
        verifier=LiveKit.webhook_verifier,
        inbox=inbox,
        clock=Core.clock,
        inbox_signal=inbox_signal,
        relevance=Reconciliation.relevance,
    )
    process_entry = providers.Singleton(
        ProcessInboxEntry,
        inbox=inbox,
        reader=LiveKit.event_reader,
        handle_room_event=Reconciliation.handle_room_event,
        handle_egress_event=Recordings.handle_egress_event,
        clock=Core.clock,
    )
    read_entries = providers.Singleton(ReadEntries, inbox)
    replay_events = providers.Singleton(ReplayEntries, inbox=inbox, clock=Core.clock)
    inbox_worker = providers.Singleton(
        InboxWorker,
        inbox=inbox,
        process_entry=process_entry,
        clock=Core.clock,
        ids=Core.ids,
        inbox_signal=inbox_signal,
        liveness=Storage.heartbeat,
        tracing=Observability.tracing,
    )
    inbox_pruning = providers.List(inbox.provided.prune, Core.settings.provided.inbox_retention)
