"""What is wired to what: the one place that knows adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dependency_injector import containers, providers

from adapters.livekit.client import LiveKitClient
from adapters.livekit.dispatcher import LiveKitDispatcher
from adapters.livekit.probe import LiveKitProbe
from adapters.livekit.rooms import LiveKitRooms
from adapters.livekit.token_signer import LiveKitTokenSigner
from adapters.memory.unit_of_work import MemoryLedger
from adapters.simulator.server import Simulator
from adapters.sqlalchemy.ledger import SqlLedger
from adapters.sqlalchemy.migrations import migrate
from adapters.system.clock import SystemClock
from adapters.system.ids import UuidIds
from application.settings import (
    CLAIM_LEASE,
    LIVEKIT_CONNECT_LIMIT,
    LIVEKIT_TOTAL_LIMIT,
    Settings,
)
from domain.ledger import Ledger
from domain.use_cases.check_readiness import CheckReadiness
from domain.use_cases.dispatch_agent import DispatchAgent
from domain.use_cases.end_session import EndSession
from domain.use_cases.get_session import GetSession
from domain.use_cases.locate_agent import LocateAgent
from domain.use_cases.start_session import StartSession
from domain.use_cases.turn import Turn


class Container(containers.DeclarativeContainer):
    """Use cases by name: ``container.start_session()`` is one, ready to be called.

    ``settings`` is what it is made with; :func:`running` opens what it holds.
    """

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(UuidIds)

    livekit_client = providers.Singleton(
        LiveKitClient,
        settings.provided.livekit_url,
        settings.provided.livekit_api_key,
        settings.provided.livekit_api_secret,
        connect_limit=LIVEKIT_CONNECT_LIMIT,
        total_limit=LIVEKIT_TOTAL_LIMIT,
    )
    rooms = providers.Singleton(LiveKitRooms, livekit_client)
    dispatcher = providers.Singleton(LiveKitDispatcher, livekit_client)
    token_signer = providers.Singleton(
        LiveKitTokenSigner,
        settings.provided.livekit_api_key,
        settings.provided.livekit_api_secret,
    )

    storage = providers.Selector(
        settings.provided.storage,
        memory=providers.Singleton(MemoryLedger),
        sqlite=providers.Singleton(SqlLedger, settings.provided.database_url),
        postgresql=providers.Singleton(SqlLedger, settings.provided.database_url),
    )
    migrate = providers.Callable(migrate, settings.provided.database_url)
    ledger = providers.Singleton(Ledger, storage.provided.unit_of_work)

    simulator = providers.Factory(Simulator)

    turn = providers.Singleton(Turn, clock=clock)
    locate_agent = providers.Singleton(LocateAgent, rooms=rooms, dispatcher=dispatcher, clock=clock)
    dispatch_agent = providers.Singleton(
        DispatchAgent, ledger=ledger, dispatcher=dispatcher, clock=clock, lease=CLAIM_LEASE
    )
    start_session = providers.Singleton(
        StartSession,
        ledger=ledger,
        locate_agent=locate_agent,
        dispatch_agent=dispatch_agent,
        token_signer=token_signer,
        clock=clock,
        ids=ids,
        turn=turn,
        agent_name=settings.provided.agent_name,
        lease=CLAIM_LEASE,
    )
    end_session = providers.Singleton(
        EndSession, ledger=ledger, rooms=rooms, clock=clock, ids=ids, turn=turn, lease=CLAIM_LEASE
    )
    get_session = providers.Singleton(GetSession, ledger)
    check_readiness = providers.Singleton(
        CheckReadiness,
        providers.Dict(
            livekit=providers.Singleton(LiveKitProbe, livekit_client),
            database=storage,
        ),
    )


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Container]:
    """``container`` with its connections open, for the length of the block."""
    async with container.storage(), container.livekit_client():
        yield container
