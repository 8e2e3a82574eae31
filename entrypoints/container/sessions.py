"""Sessions and their agents."""

from __future__ import annotations

import structlog
from dependency_injector import containers, providers

from application.settings import CLAIM_LEASE, WORKERS_LOOKED_AT_EVERY
from application.workers.worker_watch import WorkerWatch
from domain.sessions.agent_timeouts import AgentTimeouts
from domain.sessions.await_user import AwaitUser
from domain.sessions.dispatch_agent import DispatchAgent
from domain.sessions.end_session import EndSession
from domain.sessions.ensure_agent import EnsureAgent
from domain.sessions.extend_wait import ExtendWait
from domain.sessions.find_agent import FindAgent
from domain.sessions.hold_ended_room import HoldEndedRoom
from domain.sessions.issue_token import IssueToken
from domain.sessions.keep_agent import KeepAgent
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.remove_agent import RemoveAgent
from domain.sessions.renew_claim import RenewClaim
from domain.sessions.renew_token import RenewToken
from domain.sessions.session import Session
from domain.sessions.session_limit import SessionLimit
from domain.sessions.session_outline import LEFT_FOR
from domain.sessions.session_store import SessionStore
from domain.sessions.start_session import StartSession
from domain.sessions.start_session_once import StartSessionOnce
from domain.sessions.token_policy import TokenPolicy
from domain.sessions.user_identity import UserIdentities
from domain.sessions.watch_workers import WatchWorkers
from domain.shared.errors import DomainError
from entrypoints.container.agents import Agents
from entrypoints.container.core import Core
from entrypoints.container.idempotency import Idempotency
from entrypoints.container.livekit import LiveKit
from entrypoints.container.observability import Observability
from entrypoints.container.storage import Storage
from entrypoints.settings import Settings

log = structlog.get_logger()
settings = Core.settings.provided
storage = Storage.storage.provided


def _log_lost_dispatch(session: Session, error: DomainError) -> None:
    log.warning(
        "dispatch not recorded",
        session_id=str(session.id), room=str(session.room_name), reason=str(error),
    )  # fmt: skip


def _token_policy(settings: Settings) -> TokenPolicy:
    return TokenPolicy(
        agent_names=(settings.agent_name, *settings.token_agent_names),
        agent_keys=settings.token_agent_metadata,
        metadata_keys=settings.token_participant_metadata,
        attributes=settings.token_participant_attributes,
    )


class Sessions(containers.DeclarativeContainer):
    """Sessions and their agents."""

    ledger = providers.Singleton(SessionStore, storage.unit_of_work, _log_lost_dispatch)
    timeouts = providers.Singleton(AgentTimeouts, joined_within=settings.agent_join_timeout)
    find_agent = providers.Singleton(
        FindAgent,
        rooms=LiveKit.rooms,
        dispatcher=LiveKit.dispatcher,
        clock=Core.clock,
        timeouts=timeouts,
    )
    hold_ended_room = providers.Singleton(
        HoldEndedRoom, ledger=ledger, clock=Core.clock, ids=Core.ids, lease=CLAIM_LEASE
    )
    renew_claim = providers.Singleton(
        RenewClaim, ledger=ledger, clock=Core.clock, lease=CLAIM_LEASE, liveness=Storage.heartbeat
    )
    dispatch_agent = providers.Singleton(
        DispatchAgent,
        ledger=ledger,
        dispatcher=LiveKit.dispatcher,
        clock=Core.clock,
        renew_claim=renew_claim,
    )
    keep_agent = providers.Singleton(
        KeepAgent,
        ledger=ledger,
        dispatch_agent=dispatch_agent,
        dispatcher=LiveKit.dispatcher,
        rooms=LiveKit.rooms,
        clock=Core.clock,
        ids=Core.ids,
        lease=CLAIM_LEASE,
        joined=Observability.telemetry.provided.agent_joined,
    )
    ensure_agent = providers.Singleton(
        EnsureAgent,
        ledger=ledger,
        find_agent=find_agent,
        keep_agent=keep_agent,
        dispatch_agent=dispatch_agent,
        clock=Core.clock,
        ids=Core.ids,
        lease=CLAIM_LEASE,
        limit=providers.Singleton(
            SessionLimit, ledger=ledger, clock=Core.clock, most=settings.max_sessions_per_key
        ),
        agent_name=settings.agent_name,
    )
    extend_wait = providers.Singleton(
        ExtendWait,
        ledger=ledger,
        clock=Core.clock,
        retry_on_conflict=Core.retry_on_conflict,
        grace=settings.on_join_grace,
    )
    await_user = providers.Singleton(
        AwaitUser,
        ledger=ledger,
        ensure_agent=ensure_agent,
        clock=Core.clock,
        ids=Core.ids,
        extend_wait=extend_wait,
        keeps_configs=settings.store_agent_config,
    )
    remove_agent = providers.Singleton(
        RemoveAgent,
        ledger=ledger,
        dispatcher=LiveKit.dispatcher,
        clock=Core.clock,
        ids=Core.ids,
        renew_claim=renew_claim,
        lease=CLAIM_LEASE,
    )
    user_identities = providers.Singleton(
        UserIdentities,
        charset=settings.identity_charset,
        phone_prefix=settings.sip_identity_prefix,
    )
    watch_workers = providers.Singleton(
        WatchWorkers, ledger=ledger, clock=Core.clock, timeouts=timeouts
    )
    worker_watch = providers.Singleton(
        WorkerWatch, watch_workers, Core.clock, WORKERS_LOOKED_AT_EVERY
    )
    start_session = providers.Singleton(
        StartSession,
        ensure_agent=ensure_agent,
        use_agent=Agents.use_agent,
        await_user=await_user,
        token_signer=LiveKit.token_signer,
        clock=Core.clock,
        ids=Core.ids,
        retry_on_conflict=Core.retry_on_conflict,
        agent_name=settings.agent_name,
        livekit_url=settings.livekit_public_url,
        longest_ttl=settings.max_token_ttl,
        identities=user_identities,
        agent_status=watch_workers.provided.status_of,
    )
    token_policy = providers.Singleton(_token_policy, Core.settings)
    issue_token = providers.Singleton(
        IssueToken, start_session=start_session, policy=token_policy, ids=Core.ids
    )
    start_session_once = providers.Singleton(
        StartSessionOnce,
        idempotent_execution=Idempotency.idempotent_execution,
        start_session=start_session,
        ledger=ledger,
    )
    end_session = providers.Singleton(
        EndSession,
        ledger=ledger,
        rooms=LiveKit.rooms,
        dispatcher=LiveKit.dispatcher,
        hold_room=hold_ended_room,
        clock=Core.clock,
        ids=Core.ids,
        retry_on_conflict=Core.retry_on_conflict,
        renew_claim=renew_claim,
        lease=CLAIM_LEASE,
    )
    read_sessions = providers.Singleton(ReadSessions, ledger)
    renew_token = providers.Singleton(
        RenewToken,
        read_sessions=read_sessions,
        extend_wait=extend_wait,
        token_signer=LiveKit.token_signer,
        livekit_url=settings.livekit_public_url,
        longest_ttl=settings.max_token_ttl,
    )
    session_pruning = providers.List(storage.prune_sessions, settings.session_retention)
    unused_pruning = providers.List(storage.prune_unused_sessions, providers.Object(LEFT_FOR))
