"""Phone calls."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.phonenumbers.phone_numbers import normalised
from domain.calls.assign_agent import AssignAgentToCall
from domain.calls.read_calls import ReadCalls
from domain.calls.record_call_fact import RecordCallFact
from entrypoints.container.core import Core
from entrypoints.container.livekit import LiveKit
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
    assign_agent = providers.Singleton(
        AssignAgentToCall,
        record_call_fact=record_call_fact,
        ensure_agent=Sessions.ensure_agent,
        ledger=Sessions.ledger,
        finished_rooms=storage.inbox,
        rooms=LiveKit.rooms,
        clock=Core.clock,
        ids=Core.ids,
        agent_name=settings.agent_name,
        left_for=Sessions.left_for,
    )
    call_pruning = providers.List(storage.prune_calls, settings.call_retention)
