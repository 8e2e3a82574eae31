"""Phone calls."""

from __future__ import annotations

import structlog
from dependency_injector import containers, providers

from adapters.phonenumbers.phone_numbers import normalised
from application.settings import ENDS_ANNOUNCED_EVERY
from application.workers.periodic_job import PeriodicJob
from domain.calls.announce_ends import AnnounceEnds
from domain.calls.ask_before_call import AskBeforeCall
from domain.calls.assign_agent import AssignAgentToCall
from domain.calls.call import Call
from domain.calls.hang_up import HangUp
from domain.calls.read_calls import ReadCalls
from domain.calls.read_events import ReadEvents
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.route_inbound_call import RouteInboundCall
from domain.calls.session_of_call import SessionOfCall
from domain.calls.simulate_call import SimulateCall
from domain.shared.errors import DomainError
from entrypoints.container.core import Core
from entrypoints.container.livekit import LiveKit
from entrypoints.container.phone_numbers import PhoneNumbers
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage

log = structlog.get_logger()
settings = Core.settings.provided
storage = Storage.storage.provided


def _log_undecided_call(call: Call, error: Exception) -> None:
    defect = None if isinstance(error, DomainError) else error
    log.warning(
        "call not decided by its webhook",
        call_id=str(call.id), reason=str(error), exc_info=defect,
    )  # fmt: skip


class Calls(containers.DeclarativeContainer):
    """Phone calls."""

    read_calls = providers.Singleton(ReadCalls, storage.unit_of_work, providers.Object(normalised))
    read_events = providers.Singleton(
        ReadEvents,
        read_sessions=Sessions.read_sessions,
        read_calls=read_calls,
        outbox=storage.outbox,
    )
    record_call_fact = providers.Singleton(
        RecordCallFact, unit_of_work=storage.unit_of_work, ids=Core.ids
    )
    route_inbound_call = providers.Singleton(
        RouteInboundCall, route_call=PhoneNumbers.route_call, ledger=Sessions.ledger
    )
    ask_before_call = providers.Singleton(
        AskBeforeCall,
        ask_webhook=PhoneNumbers.ask_webhook,
        route_call=PhoneNumbers.route_call,
        record_call_fact=record_call_fact,
        failed=_log_undecided_call,
    )
    session_of_call = providers.Singleton(
        SessionOfCall,
        route_call=PhoneNumbers.route_call,
        ledger=Sessions.ledger,
        clock=Core.clock,
        ids=Core.ids,
        agent_name=settings.agent_name,
    )
    assign_agent = providers.Singleton(
        AssignAgentToCall,
        record_call_fact=record_call_fact,
        ensure_agent=Sessions.ensure_agent,
        ledger=Sessions.ledger,
        finished_rooms=storage.inbox,
        rooms=LiveKit.rooms,
        clock=Core.clock,
        route=route_inbound_call,
        session_of=session_of_call,
        ask_before=ask_before_call,
        hang_up=providers.Singleton(HangUp, LiveKit.rooms, Sessions.ledger),
    )
    simulate_call = providers.Singleton(
        SimulateCall,
        signer=LiveKit.phone_signer,
        ids=Core.ids,
        livekit_url=settings.livekit_public_url,
        telephony_enabled=settings.telephony_enabled,
    )
    announce_ends = providers.Singleton(AnnounceEnds, storage.unit_of_work, Core.clock)
    end_announcer = providers.Singleton(
        PeriodicJob,
        name="announce_ends",
        job=announce_ends,
        interval=ENDS_ANNOUNCED_EVERY,
        leases=storage.leases,
        clock=Core.clock,
        ids=Core.ids,
        liveness=Storage.heartbeat,
    )
    call_pruning = providers.List(storage.prune_calls, settings.call_retention)
