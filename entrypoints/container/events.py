"""Domain events and the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dependency_injector import containers, providers

from application.settings import END_GRACE
from application.telemetry import Telemetry
from application.workers.event_signal import EventSignal
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind
from entrypoints.container.core import Core
from entrypoints.container.observability import Observability
from entrypoints.presenters.events import event_data


def _appended(telemetry: Telemetry, signal: EventSignal) -> Callable[[Sequence[EventKind]], None]:
    def appended(kinds: Sequence[EventKind]) -> None:
        telemetry.events_appended(kinds)
        signal.ring()

    return appended


class Events(containers.DeclarativeContainer):
    """``announcer`` makes events of changes; ``event_signal`` is rung once some are durable."""

    event_signal = providers.Singleton(EventSignal)
    announcer = providers.Singleton(
        Announcer,
        ids=Core.ids,
        clock=Core.clock,
        present=providers.Object(event_data),
        grace=END_GRACE,
        appended=providers.Singleton(_appended, Observability.telemetry, event_signal),
    )
