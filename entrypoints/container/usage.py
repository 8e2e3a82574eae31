"""What sessions have used, and statistics."""

from __future__ import annotations

from dependency_injector import containers, providers

from domain.statistics.read_statistics import ReadStatistics
from domain.usage.read_usage import ReadUsage
from entrypoints.container.core import Core
from entrypoints.container.storage import Storage

settings = Core.settings.provided
storage = Storage.storage.provided


class Usage(containers.DeclarativeContainer):
    """What sessions have used, and statistics."""

    read_usage = providers.Singleton(ReadUsage, storage.unit_of_work, settings.prices)
    read_statistics = providers.Singleton(
        ReadStatistics, statistics=storage.statistics, prices=settings.prices, clock=Core.clock
    )
    usage_pruning = providers.List(storage.prune_usage, settings.session_retention)
