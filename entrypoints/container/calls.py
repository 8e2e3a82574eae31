"""Phone calls."""

from __future__ import annotations

from datetime import timedelta

import structlog
from dependency_injector import containers, providers

from adapters.phonenumbers.phone_numbers import normalised
from application.settings import ANSWERS_WATCHED_FOR, ENDS_ANNOUNCED_EVERY
from application.workers.answer_watch import AnswerWatch
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
from domain.calls.unanswered_calls import UnansweredCalls
from domain.calls.watch_answers import WatchAnswers
from domain.shared.errors import DomainError
from entrypoints.container.core import Core
from entrypoints.container.livekit import LiveKit
from entrypoints.container.observability import Observability
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


def _watched_for(reconcile_interval: timedelta) -> timedelta:
    """Return a time in which the reconciler has looked again, in whichever process."""
    return max(2 * reconcile_interval, ANSWERS_WATCHED_FOR)


class Calls(containers.DeclarativeContainer):
    """Phone calls; ``answer_watch`` learns of their answers in the background."""

    read_calls = providers.Singleton(ReadCalls, storage.unit_of_work, providers.Object(normalised))
    read_events = providers.Singleton(
        ReadEvents,
        read_sessions=Sessions.read_sessions,
        read_calls=read_calls,
        outbox=storage.outbox,
    )
    unanswered_calls = providers.Singleton(
        UnansweredCalls,
        clock=Core.clock,
        watched_for=providers.Callable(_watched_for, settings.reconcile_interval),
    )
    record_call_fact = providers.Singleton(
        RecordCallFact,
        unit_of_work=storage.unit_of_work,
        ids=Core.ids,
        recorded=unanswered_calls.provided.note,
    )
    watch_answers = providers.Singleton(
        WatchAnswers,
        unit_of_work=storage.unit_of_work,
        rooms=LiveKit.rooms,
        record_call_fact=record_call_fact,
        calls=unanswered_calls,
        clock=Core.clock,
    )
    answer_watch = providers.Singleton(
        AnswerWatch,
        calls=unanswered_calls,
        watch_answers=watch_answers,
        clock=Core.clock,
        others_left=Storage.others_left,
        per_second=settings.call_looks_per_second,
        looked=Observability.telemetry.provided.call_look,
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
