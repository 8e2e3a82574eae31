"""Phone calls."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.phonenumbers.phone_numbers import normalised
from domain.calls.assign_agent import AssignAgentToCall
from domain.calls.read_calls import ReadCalls
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.route_inbound_call import RouteInboundCall
from domain.calls.session_of_call import SessionOfCall
from entrypoints.container.core import Core
from entrypoints.container.livekit import LiveKit
from entrypoints.container.phone_numbers import PhoneNumbers
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage

settings = Core.settings.provided
storage = Storage.storage.provided


class Calls(containers.DeclarativeContainer):
    """Phone calls."""

    read_calls = providers.Singleton(ReadCalls, storage.unit_of_work, providers.Object(normalised))
    record_call_fact = providers.Singleton(
        RecordCallFact, unit_of_work=storage.unit_of_work, ids=Core.ids
    )
    route_inbound_call = providers.Singleton(
        RouteInboundCall, route_call=PhoneNumbers.route_call, ledger=Sessions.ledger
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
    )
    call_pruning = providers.List(storage.prune_calls, settings.call_retention)
