"""API keys and request limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dependency_injector import containers, providers

from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.system.console_signer import HmacConsoleSigner
from adapters.system.keys import RandomKeys
from domain.access.authenticate import Authenticate
from domain.access.authenticate_client import AuthenticateClient
from domain.access.authenticate_presented import AuthenticatePresented
from domain.access.client_limit import ClientLimit
from domain.access.manage_console_sessions import ManageConsoleSessions
from domain.access.manage_keys import ManageKeys
from domain.access.manage_publishable_keys import MOST_PER_MINUTE, ManagePublishableKeys
from domain.access.rate_limit import RateLimiter
from entrypoints.container.agents import Agents
from entrypoints.container.core import Core
from entrypoints.container.storage import Storage
from entrypoints.settings import Settings
from entrypoints.settings.origins import matcher, parse_origin


def _rate_limiter(settings: Settings, storage: Any) -> RateLimiter:
    limit = settings.rate_limit_per_minute or 1
    if settings.serves_alone:
        return MemoryRateLimiter(limit)
    shared: RateLimiter = storage.rate_limiter(limit)
    return shared


def _client_limiter(settings: Settings, storage: Any) -> RateLimiter:
    if settings.serves_alone:
        return MemoryRateLimiter(MOST_PER_MINUTE)
    shared: RateLimiter = storage.rate_limiter(MOST_PER_MINUTE)
    return shared


def _agent_names(settings: Settings) -> tuple[str, ...]:
    return (settings.agent_name, *settings.token_agent_names)


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
    console_sessions = providers.Singleton(
        ManageConsoleSessions,
        authenticate=authenticate,
        signer=providers.Singleton(HmacConsoleSigner, Core.settings.provided.livekit_api_secret),
        clock=Core.clock,
    )
    authenticate_presented = providers.Singleton(
        AuthenticatePresented, authenticate=authenticate, console_sessions=console_sessions
    )
    manage_keys = providers.Singleton(
        ManageKeys,
        keys=Storage.storage.provided.api_keys,
        maker=providers.Singleton(RandomKeys),
        clock=Core.clock,
        ids=Core.ids,
    )
    agent_names = providers.Callable(_agent_names, Core.settings)
    manage_publishable_keys = providers.Singleton(
        ManagePublishableKeys,
        keys=Storage.storage.provided.publishable_keys,
        maker=providers.Singleton(RandomKeys),
        parse_origin=providers.Object(parse_origin),
        clock=Core.clock,
        ids=Core.ids,
        agent_names=agent_names,
        check_agent=Agents.use_agent.provided.by_defaults,
    )
    client_limit = providers.Singleton(
        ClientLimit,
        limiter=providers.Singleton(_client_limiter, Core.settings, Storage.storage),
        clock=Core.clock,
        most_per_minute=MOST_PER_MINUTE,
    )
    authenticate_client = providers.Singleton(
        AuthenticateClient,
        keys=Storage.storage.provided.publishable_keys,
        limit=client_limit,
        match_origin=providers.Object(matcher),
        clock=Core.clock,
    )
    rate_limiter = providers.Singleton(_rate_limiter, Core.settings, Storage.storage)
    refusal_limiter = providers.Singleton(_refusal_limiter, Core.settings, rate_limiter)
    rate_window_pruning = providers.List(
        rate_limiter.provided.prune, providers.Object(timedelta(hours=1))
    )
