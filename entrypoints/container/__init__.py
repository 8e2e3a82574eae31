"""What is wired to what: the one place that knows adapters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from dependency_injector import containers, providers

from adapters.livekit.client import LiveKitClient
from adapters.livekit.dispatcher import LiveKitDispatcher
from adapters.livekit.event_reader import LiveKitEventReader
from adapters.livekit.http import CONNECTIONS
from adapters.livekit.numbers import normalised
from adapters.livekit.probe import LiveKitProbe
from adapters.livekit.rooms import LiveKitRooms
from adapters.livekit.token_signer import LiveKitTokenSigner
from adapters.livekit.tokens import TokenFactory
from adapters.livekit.webhook_verifier import LiveKitWebhookVerifier
from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.memory.storage import MemoryStorage
from adapters.phonenumbers.dialled_numbers import dialled_at_home
from adapters.prometheus.telemetry import PrometheusTelemetry
from adapters.sqlalchemy.schema.backup import backup, restore
from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from adapters.system.clock import SystemClock
from adapters.system.ids import UuidIds
from adapters.system.keys import RandomKeys
from application.caching.cached_stats import CachedStats
from application.caching.ttl_cache import TtlCache
from application.logged_readiness import LoggedReadiness
from application.settings import (
    CLAIM_LEASE,
    LIVEKIT_CONNECT_LIMIT,
    LIVEKIT_TOTAL_LIMIT,
    READINESS_GOOD_FOR,
    Settings,
)
from application.telemetry import Telemetry, Tracing
from application.workers.heartbeat import Heartbeat
from application.workers.inbox_signal import InboxSignal
from application.workers.inbox_worker import InboxWorker
from application.workers.jobs import PruneJob, ReconcileJob
from application.workers.periodic_job import PeriodicJob
from domain.access.authenticate import Authenticate
from domain.access.manage_keys import ManageKeys
from domain.access.rate_limit import RateLimiter
from domain.calls.assign_agent import AssignAgentToCall
from domain.calls.read_calls import ReadCalls
from domain.calls.record_call_fact import RecordCallFact
from domain.idempotency.idempotent_execution import REMEMBERED, IdempotentExecution
from domain.inbox.process_entry import ProcessInboxEntry
from domain.inbox.receive_webhook import ReceiveWebhook
from domain.inbox.replay_entries import ReplayEntries
from domain.operations.check_readiness import CheckReadiness
from domain.operations.process import ProcessIdentity
from domain.privacy.erase_personal_data import ErasePersonalData
from domain.reconciliation.check_room import CheckRoom
from domain.reconciliation.handle_room_event import HandleRoomEvent
from domain.reconciliation.reconcile import Reconcile
from domain.reconciliation.remove_late_agent import RemoveLateAgent
from domain.reconciliation.room_choice import RoomChoice
from domain.reconciliation.room_selection import RoomSelection
from domain.sessions.agent_presence import AgentTimeouts
from domain.sessions.dispatch_agent import DispatchAgent
from domain.sessions.end_session import EndSession
from domain.sessions.ensure_agent import EnsureAgent
from domain.sessions.find_agent import FindAgent
from domain.sessions.hold_ended_room import HoldEndedRoom
from domain.sessions.keep_agent import KeepAgent
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.remove_agent import RemoveAgent
from domain.sessions.renew_claim import RenewClaim
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.sessions.start_session import StartSession
from domain.sessions.start_session_once import StartSessionOnce
from domain.shared.errors import DomainError
from domain.shared.retry_on_conflict import RetryOnConflict
from entrypoints.version import VERSION

if TYPE_CHECKING:
    from entrypoints.simulator.phone_call import SimulatedCall
    from entrypoints.simulator.server import Simulator


log = structlog.get_logger()


def _simulator(*args: Any, **options: Any) -> Simulator:
    from entrypoints.simulator.server import Simulator  # noqa: PLC0415 - the service needs none

    return Simulator(*args, **options)


def _simulated_call(**options: Any) -> SimulatedCall:
    from entrypoints.simulator.phone_call import SimulatedCall  # noqa: PLC0415 - as above

    return SimulatedCall(**options)


def _tracing(endpoint: str | None, service_name: str) -> Tracing | None:
    if endpoint is None:
        return None
    from adapters.opentelemetry.tracing import OtlpTracing  # noqa: PLC0415 - an extra

    return OtlpTracing(endpoint, service_name, VERSION)


def _watch(
    telemetry: Telemetry, tracing: Tracing | None
) -> Callable[[str], AbstractContextManager[Any]]:
    """What each request of LiveKit's API is in."""
    if tracing is None:
        return telemetry.livekit

    @contextmanager
    def both(method: str) -> Iterator[None]:
        with telemetry.livekit(method), tracing.livekit(method):
            yield

    return both


def _tell_lost(session: Session, error: DomainError) -> None:
    log.warning(
        "dispatch not recorded",
        session_id=str(session.id), room=str(session.room_name), reason=str(error),
    )  # fmt: skip


def _rate_limiter(settings: Settings, storage: Any) -> RateLimiter:
    limit = settings.rate_limit_per_minute or 1
    if settings.serves_alone:
        return MemoryRateLimiter(limit)
    shared: RateLimiter = storage.rate_limiter(limit)
    return shared


def _refusal_limiter(settings: Settings, limiter: RateLimiter) -> RateLimiter:
    """Counts what no route has counted: a flood of that writes nothing to the database."""
    if settings.serves_alone:
        return limiter
    return MemoryRateLimiter(settings.rate_limit_per_minute or 1)


class Container(containers.DeclarativeContainer):
    """Use cases by name: ``container.start_session()`` is one, ready to be called.

    ``settings`` is what it is made with; :func:`running` opens what it holds.
    """

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    process_identity = providers.Singleton(ProcessIdentity)
    ids = providers.Singleton(UuidIds, process_identity)

    telemetry = providers.Singleton(PrometheusTelemetry, VERSION, clock.provided.timestamp)
    tracing = providers.Singleton(
        _tracing, settings.provided.otlp_endpoint, settings.provided.otlp_service_name
    )

    livekit_connections: providers.Object[int] = providers.Object(CONNECTIONS)
    livekit_client = providers.Singleton(
        LiveKitClient,
        settings.provided.livekit_url,
        settings.provided.livekit_api_key,
        settings.provided.livekit_api_secret,
        connect_limit=LIVEKIT_CONNECT_LIMIT,
        total_limit=LIVEKIT_TOTAL_LIMIT,
        connections=livekit_connections,
        watch=providers.Singleton(_watch, telemetry, tracing),
        now=clock.provided.timestamp,
    )
    rooms = providers.Singleton(LiveKitRooms, livekit_client, settings.provided.sip_identity_prefix)
    dispatcher = providers.Singleton(LiveKitDispatcher, livekit_client)
    token_signer = providers.Singleton(
        LiveKitTokenSigner,
        providers.Singleton(
            TokenFactory,
            settings.provided.livekit_api_key,
            settings.provided.livekit_api_secret,
            clock.provided.timestamp,
        ),
        settings.provided.sip_identity_prefix,
    )

    storage = providers.Selector(
        settings.provided.storage,
        memory=providers.Singleton(MemoryStorage),
        sqlite=providers.Singleton(
            SqlStorage,
            settings.provided.database_url,
            watch=telemetry.provided.batch,
            whole_configs=settings.provided.store_agent_config,
        ),
        postgresql=providers.Singleton(
            SqlStorage,
            settings.provided.database_url,
            watch=telemetry.provided.batch,
            whole_configs=settings.provided.store_agent_config,
        ),
    )
    backup = providers.Callable(backup)
    restore = providers.Callable(restore)
    migrate = providers.Callable(migrate, settings.provided.database_url)
    ledger = providers.Singleton(SessionStore, storage.provided.unit_of_work, _tell_lost)
    inbox = storage.provided.inbox
    censor = providers.Singleton(CachedStats, storage, clock)
    heartbeat = providers.Singleton(
        Heartbeat,
        processes=storage.provided.processes,
        clock=clock,
        identity=process_identity,
        ids=ids,
        alone=settings.provided.serves_alone,
    )

    authenticate = providers.Singleton(
        Authenticate,
        keys=storage.provided.api_keys,
        fixed=settings.provided.api_keys,
        clock=clock,
    )
    manage_keys = providers.Singleton(
        ManageKeys,
        keys=storage.provided.api_keys,
        maker=providers.Singleton(RandomKeys),
        clock=clock,
        ids=ids,
    )

    dialled_at_home = providers.Callable(dialled_at_home)
    erase_personal_data = providers.Singleton(ErasePersonalData, storage.provided.records)
    rate_limiter = providers.Singleton(_rate_limiter, settings, storage)
    refusal_limiter = providers.Singleton(_refusal_limiter, settings, rate_limiter)
    once = providers.Singleton(
        IdempotentExecution, idempotency=storage.provided.idempotency, clock=clock, ids=ids
    )

    simulator = providers.Factory(_simulator)
    simulated_call = providers.Factory(
        _simulated_call,
        api_key=settings.provided.webhook_api_key,
        api_secret=settings.provided.webhook_api_secret,
    )

    turn = providers.Singleton(RetryOnConflict, clock=clock)
    timeouts = providers.Singleton(
        AgentTimeouts, joined_within=settings.provided.agent_join_timeout
    )
    selection = providers.Singleton(
        RoomSelection,
        ignored_rooms=settings.provided.room_ignore,
        ignored_trunks=settings.provided.trunk_ignore,
    )
    find_agent = providers.Singleton(
        FindAgent, rooms=rooms, dispatcher=dispatcher, clock=clock, timeouts=timeouts
    )
    hold_ended_room = providers.Singleton(
        HoldEndedRoom, ledger=ledger, clock=clock, ids=ids, lease=CLAIM_LEASE
    )
    renew_claim = providers.Singleton(
        RenewClaim, ledger=ledger, clock=clock, lease=CLAIM_LEASE, liveness=heartbeat
    )
    dispatch_agent = providers.Singleton(
        DispatchAgent, ledger=ledger, dispatcher=dispatcher, clock=clock, renew_claim=renew_claim
    )
    keep_agent = providers.Singleton(
        KeepAgent,
        ledger=ledger,
        dispatch_agent=dispatch_agent,
        dispatcher=dispatcher,
        rooms=rooms,
        clock=clock,
        ids=ids,
        lease=CLAIM_LEASE,
        joined=telemetry.provided.agent_joined,
    )
    ensure_agent = providers.Singleton(
        EnsureAgent,
        ledger=ledger,
        find_agent=find_agent,
        keep_agent=keep_agent,
        dispatch_agent=dispatch_agent,
        clock=clock,
        ids=ids,
        lease=CLAIM_LEASE,
        max_sessions=settings.provided.max_sessions_per_key,
    )
    start_session = providers.Singleton(
        StartSession,
        ensure_agent=ensure_agent,
        token_signer=token_signer,
        clock=clock,
        ids=ids,
        turn=turn,
        agent_name=settings.provided.agent_name,
        livekit_url=settings.provided.livekit_url,
    )
    start_session_once = providers.Singleton(
        StartSessionOnce, once=once, start_session=start_session, ledger=ledger
    )
    end_session = providers.Singleton(
        EndSession,
        ledger=ledger,
        rooms=rooms,
        dispatcher=dispatcher,
        hold_room=hold_ended_room,
        clock=clock,
        ids=ids,
        turn=turn,
        renew_claim=renew_claim,
        lease=CLAIM_LEASE,
    )
    read_sessions = providers.Singleton(ReadSessions, ledger)
    read_calls = providers.Singleton(
        ReadCalls, storage.provided.unit_of_work, providers.Object(normalised)
    )
    record_call_fact = providers.Singleton(
        RecordCallFact, unit_of_work=storage.provided.unit_of_work, ids=ids
    )
    assign_agent = providers.Singleton(
        AssignAgentToCall,
        record_call_fact=record_call_fact,
        ensure_agent=ensure_agent,
        ledger=ledger,
        finished_rooms=inbox,
        rooms=rooms,
        clock=clock,
        ids=ids,
        agent_name=settings.provided.agent_name,
    )
    inbox_signal = providers.Singleton(InboxSignal)
    receive_webhook = providers.Singleton(
        ReceiveWebhook,
        verifier=providers.Singleton(
            LiveKitWebhookVerifier,
            providers.Singleton(
                TokenFactory,
                settings.provided.webhook_api_key,
                settings.provided.webhook_api_secret,
                clock.provided.timestamp,
            ),
        ),
        inbox=inbox,
        clock=clock,
        inbox_signal=inbox_signal,
    )
    remove_agent = providers.Singleton(
        RemoveAgent,
        ledger=ledger,
        dispatcher=dispatcher,
        clock=clock,
        ids=ids,
        renew_claim=renew_claim,
        lease=CLAIM_LEASE,
    )
    remove_late_agent = providers.Singleton(
        RemoveLateAgent,
        ledger=ledger,
        find_agent=find_agent,
        rooms=rooms,
        dispatcher=dispatcher,
        hold_room=hold_ended_room,
        clock=clock,
    )
    handle_room_event = providers.Singleton(
        HandleRoomEvent,
        unit_of_work=storage.provided.unit_of_work,
        ledger=ledger,
        record_call_fact=record_call_fact,
        assign_agent=assign_agent,
        ensure_agent=ensure_agent,
        find_agent=find_agent,
        keep_agent=keep_agent,
        remove_agent=remove_agent,
        remove_late_agent=remove_late_agent,
        hold_room=hold_ended_room,
        clock=clock,
        ids=ids,
        agent_name=settings.provided.agent_name,
        selection=selection,
        telephony=settings.provided.telephony_enabled,
        dispatch_on_any_join=settings.provided.dispatch_on_any_join,
    )
    process_entry = providers.Singleton(
        ProcessInboxEntry,
        inbox=inbox,
        reader=providers.Singleton(LiveKitEventReader, settings.provided.sip_identity_prefix),
        handle_room_event=handle_room_event,
        clock=clock,
    )
    replay_events = providers.Singleton(ReplayEntries, inbox=inbox, clock=clock)
    check_room = providers.Singleton(
        CheckRoom,
        rooms=rooms,
        ledger=ledger,
        record_call_fact=record_call_fact,
        assign_agent=assign_agent,
        find_agent=find_agent,
        keep_agent=keep_agent,
        remove_agent=remove_agent,
        remove_late_agent=remove_late_agent,
        clock=clock,
        selection=selection,
        telephony=settings.provided.telephony_enabled,
    )
    reconcile = providers.Singleton(
        Reconcile,
        unit_of_work=storage.provided.unit_of_work,
        ledger=ledger,
        rooms=rooms,
        check_room=check_room,
        record_call_fact=record_call_fact,
        clock=clock,
        interval=settings.provided.reconcile_interval,
        choice=providers.Singleton(RoomChoice, telephony=settings.provided.telephony_enabled),
        selection=selection,
    )

    inbox_worker = providers.Singleton(
        InboxWorker,
        inbox=inbox,
        process_entry=process_entry,
        clock=clock,
        ids=ids,
        inbox_signal=inbox_signal,
        liveness=heartbeat,
        tracing=tracing,
    )
    reconciler = providers.Singleton(
        PeriodicJob,
        name="reconcile",
        job=providers.Singleton(ReconcileJob, reconcile, telemetry.provided.cycle),
        interval=settings.provided.reconcile_interval,
        leases=storage.provided.leases,
        clock=clock,
        ids=ids,
        liveness=heartbeat,
    )
    pruner = providers.Singleton(
        PeriodicJob,
        name="prune",
        job=providers.Singleton(
            PruneJob,
            providers.Dict(
                inbox=providers.List(inbox.provided.prune, settings.provided.inbox_retention),
                sessions=providers.List(
                    storage.provided.prune_sessions,
                    settings.provided.session_retention,
                ),
                calls=providers.List(
                    storage.provided.prune_calls, settings.provided.call_retention
                ),
                answers=providers.List(
                    storage.provided.idempotency.prune, providers.Object(REMEMBERED)
                ),
                rate_windows=providers.List(
                    rate_limiter.provided.prune, providers.Object(timedelta(hours=1))
                ),
            ),
            clock,
        ),
        interval=timedelta(hours=1),
        leases=storage.provided.leases,
        clock=clock,
        ids=ids,
        liveness=heartbeat,
    )

    check_readiness = providers.Singleton(
        CheckReadiness,
        providers.Dict(
            livekit=providers.Singleton(LiveKitProbe, livekit_client),
            database=storage,
        ),
        warn=reconcile.provided.warning,
    )
    recent_readiness = providers.Singleton(
        TtlCache, providers.Singleton(LoggedReadiness, check_readiness), clock, READINESS_GOOD_FOR
    )


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Container]:
    """``container`` with its connections open, for the length of the block."""
    async with container.storage(), container.livekit_client():
        await container.heartbeat().read_time()
        try:
            yield container
        finally:
            await container.ledger().settled()


@asynccontextmanager
async def serving(container: Container) -> AsyncIterator[Container]:
    """``container`` running, with its workers at work."""
    async with running(container):
        heartbeat = container.heartbeat()
        await heartbeat.start()
        beating = asyncio.create_task(heartbeat.run())
        tasks = [
            asyncio.create_task(container.reconciler().run()),
            asyncio.create_task(container.pruner().run()),
            asyncio.create_task(container.inbox_worker().run()),
        ]
        try:
            yield container
        finally:
            await _cancelled(*tasks)
            await container.ledger().settled()
            await _cancelled(beating)  # until here, or what is being finished is taken over
            await heartbeat.stop()


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
