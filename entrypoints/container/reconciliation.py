"""The comparison of the ledger with LiveKit, by events and periodically."""

from __future__ import annotations

from dependency_injector import containers, providers

from application.workers.jobs import ReconcileJob
from application.workers.periodic_job import PeriodicJob
from domain.reconciliation.begin_again import BeginAgain
from domain.reconciliation.check_room import CheckRoom
from domain.reconciliation.event_relevance import EventRelevance
from domain.reconciliation.handle_room_event import HandleRoomEvent
from domain.reconciliation.reconcile import Reconcile
from domain.reconciliation.remove_late_agent import RemoveLateAgent
from domain.reconciliation.room_choice import RoomChoice
from domain.reconciliation.room_selection import RoomSelection
from entrypoints.container.calls import Calls
from entrypoints.container.core import Core
from entrypoints.container.livekit import LiveKit
from entrypoints.container.observability import Observability
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage

settings = Core.settings.provided
storage = Storage.storage.provided


class Reconciliation(containers.DeclarativeContainer):
    """``reconciler`` runs ``reconcile`` in the background."""

    selection = providers.Singleton(
        RoomSelection, ignored_rooms=settings.room_ignore, ignored_trunks=settings.trunk_ignore
    )
    relevance = providers.Singleton(
        EventRelevance,
        selection=selection,
        telephony=settings.telephony_enabled,
        recordings=providers.Callable(bool, settings.recordings),
    )
    remove_late_agent = providers.Singleton(
        RemoveLateAgent,
        ledger=Sessions.ledger,
        find_agent=Sessions.find_agent,
        rooms=LiveKit.rooms,
        dispatcher=LiveKit.dispatcher,
        hold_room=Sessions.hold_ended_room,
        clock=Core.clock,
        agent_name=settings.agent_name,
    )
    begin_again = providers.Singleton(
        BeginAgain,
        ledger=Sessions.ledger,
        find_agent=Sessions.find_agent,
        ensure_agent=Sessions.ensure_agent,
        clock=Core.clock,
        ids=Core.ids,
        agent_name=settings.agent_name,
    )
    handle_room_event = providers.Singleton(
        HandleRoomEvent,
        unit_of_work=storage.unit_of_work,
        ledger=Sessions.ledger,
        record_call_fact=Calls.record_call_fact,
        assign_agent=Calls.assign_agent,
        begin_again=begin_again,
        find_agent=Sessions.find_agent,
        keep_agent=Sessions.keep_agent,
        remove_agent=Sessions.remove_agent,
        remove_late_agent=remove_late_agent,
        hold_room=Sessions.hold_ended_room,
        clock=Core.clock,
        relevance=relevance,
        dispatch_on_any_join=settings.dispatch_on_any_join,
    )
    check_room = providers.Singleton(
        CheckRoom,
        rooms=LiveKit.rooms,
        ledger=Sessions.ledger,
        record_call_fact=Calls.record_call_fact,
        assign_agent=Calls.assign_agent,
        find_agent=Sessions.find_agent,
        keep_agent=Sessions.keep_agent,
        remove_agent=Sessions.remove_agent,
        remove_late_agent=remove_late_agent,
        begin_again=begin_again,
        clock=Core.clock,
        selection=selection,
        telephony=settings.telephony_enabled,
    )
    reconcile = providers.Singleton(
        Reconcile,
        unit_of_work=storage.unit_of_work,
        ledger=Sessions.ledger,
        rooms=LiveKit.rooms,
        check_room=check_room,
        record_call_fact=Calls.record_call_fact,
        clock=Core.clock,
        interval=settings.reconcile_interval,
        choice=providers.Singleton(RoomChoice, telephony=settings.telephony_enabled),
        selection=selection,
    )
    reconciler = providers.Singleton(
        PeriodicJob,
        name="reconcile",
        job=providers.Singleton(ReconcileJob, reconcile, Observability.telemetry.provided.cycle),
        interval=settings.reconcile_interval,
        leases=storage.leases,
        clock=Core.clock,
        ids=Core.ids,
        liveness=Storage.heartbeat,
    )
