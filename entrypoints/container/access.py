"""API keys and request limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers

from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.system.keys import RandomKeys
from domain.access.authenticate import Authenticate
from domain.access.manage_keys import ManageKeys
from domain.access.rate_limit import RateLimiter
from entrypoints.container.core import Core
from entrypoints.container.storage import Storage
from entrypoints.settings import Settings


def _rate_limiter(settings: Settings, storage: Any) -> RateLimiter:
    limit = settings.rate_limit_per_minute or 1
    if settings.serves_alone:
        return MemoryRateLimiter(limit)
    shared: RateLimiter = storage.rate_limiter(limit)
    return shared


def _refusal_limiter(settings: Settings, limiter: RateLimiter) -> RateLimiter:
    """Count requests that no route has counted; a flood of them writes nothing to the database."""
    if settings.serves_alone:
        return limiter
    return MemoryRateLimiter(settings.rate_limit_per_minute or 1)


class Access(containers.DeclarativeContainer):
    """API keys and request limits."""

    authenticate = providers.Singleton(
        Authenticate,
        keys=Storage.storage.provided.api_keys,
        fixed=Core.settings.provided.api_keys,
        clock=Core.clock,
    )
    manage_keys = providers.Singleton(
        ManageKeys,
        keys=Storage.storage.provided.api_keys,
        maker=providers.Singleton(RandomKeys),
        clock=Core.clock,
        ids=Core.ids,
    )
    rate_limiter = providers.Singleton(_rate_limiter, Core.settings, Storage.storage)
    refusal_limiter = providers.Singleton(_refusal_limiter, Core.settings, rate_limiter)
    rate_window_pruning = providers.List(
        rate_limiter.provided.prune, providers.Object(timedelta(hours=1))
    )
