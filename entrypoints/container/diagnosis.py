"""The diagnosis of telephony."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.livekit.server_clock import LiveKitServerClock
from adapters.livekit.webhook_target import SignedWebhook
from domain.diagnosis.answering_agents import FindAnsweringAgents
from domain.diagnosis.check_webhooks import DOCTOR_EVENT, CheckWebhooks
from domain.diagnosis.check_workers import CheckWorkers
from domain.diagnosis.diagnose_telephony import DiagnoseTelephony
from domain.diagnosis.probe_worker import ProbeWorker
from entrypoints.container.core import Core
from entrypoints.container.inbox import Inbox
from entrypoints.container.livekit import LiveKit
from entrypoints.container.phone_numbers import PhoneNumbers, phone_numbers
from entrypoints.container.reconciliation import Reconciliation
from entrypoints.container.sessions import Sessions
from entrypoints.container.trunks import Trunks, normalise

settings = Core.settings.provided


class Diagnosis(containers.DeclarativeContainer):
    """The diagnosis of telephony."""

    probe_worker = providers.Singleton(
        ProbeWorker,
        rooms=LiveKit.rooms,
        dispatcher=LiveKit.dispatcher,
        clock=Core.clock,
        ids=Core.ids,
    )
    diagnose_telephony = providers.Singleton(
        DiagnoseTelephony,
        livekit=LiveKit.livekit_probe,
        server_clock=providers.Singleton(LiveKitServerClock, settings.livekit_url),
        clock=Core.clock,
        trunks=Trunks.trunks,
        rules=Trunks.dispatch_rules,
        find_answering=providers.Singleton(
            FindAnsweringAgents,
            numbers=phone_numbers,
            route_call=PhoneNumbers.route_call,
            agent_name=settings.agent_name,
        ),
        check_workers=providers.Singleton(
            CheckWorkers,
            probe_worker=probe_worker,
            workers=Sessions.watch_workers,
            agent_name=settings.agent_name,
        ),
        check_webhooks=providers.Singleton(CheckWebhooks, Inbox.inbox, Core.clock),
        webhook_target=providers.Singleton(
            SignedWebhook, LiveKit.webhook_tokens, providers.Object(DOCTOR_EVENT)
        ),
        selection=Reconciliation.selection,
        normalised=normalise,
        telephony_enabled=settings.telephony_enabled,
        agent_name=settings.agent_name,
    )
