"""What every capability uses: settings, time, identifiers."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.system.clock import SystemClock
from adapters.system.ids import UuidIds
from domain.operations.process import ProcessIdentity
from domain.shared.retry_on_conflict import RetryOnConflict
from entrypoints.settings import Settings


class Core(containers.DeclarativeContainer):
    """``settings`` is what a container is made with."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    process_identity = providers.Singleton(ProcessIdentity)
    ids = providers.Singleton(UuidIds, process_identity)
    retry_on_conflict = providers.Singleton(RetryOnConflict, clock=clock)
