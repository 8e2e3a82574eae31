"""The stream of domain events, and of hints."""

from __future__ import annotations

from dependency_injector import containers, providers

from application.streaming.change_watch import ChangeWatch
from application.streaming.event_stream import EventStream
from entrypoints.container.access import Access
from entrypoints.container.core import Core
from entrypoints.container.events import Events
from entrypoints.container.observability import Observability
from entrypoints.container.storage import Storage
from entrypoints.presenters.events import event_frame


class Streaming(containers.DeclarativeContainer):
    """``event_stream`` reads events in the background while a client listens.

    ``change_watch`` looks for other changes while a client asks for them.
    """

    event_stream = providers.Singleton(
        EventStream,
        outbox=Storage.outbox,
        signal=Events.event_signal,
        authenticate=Access.authenticate_presented,
        encode=providers.Object(event_frame),
        telemetry=Observability.telemetry,
        clock=Core.clock,
    )
    change_watch = providers.Singleton(
        ChangeWatch, changes=Storage.storage.provided.changes, clock=Core.clock
    )
