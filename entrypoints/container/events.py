"""Domain events and the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dependency_injector import containers, providers

from application.settings import END_GRACE
from application.workers.event_signal import EventSignal
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind
from entrypoints.container.core import Core
from entrypoints.presenters.events import event_data


def _rings(signal: EventSignal) -> Callable[[Sequence[EventKind]], None]:
    return lambda _kinds: signal.ring()


class Events(containers.DeclarativeContainer):
    """``announcer`` makes events of changes; ``event_signal`` is rung once some are durable."""

    event_signal = providers.Singleton(EventSignal)
    announcer = providers.Singleton(
        Announcer,
        ids=Core.ids,
        clock=Core.clock,
        present=providers.Object(event_data),
        grace=END_GRACE,
        appended=providers.Singleton(_rings, event_signal),
    )
