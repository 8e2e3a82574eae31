"""The container: every capability's module, joined."""

from __future__ import annotations

from dependency_injector import providers

from entrypoints.container.access import Access
from entrypoints.container.agents import Agents
from entrypoints.container.calls import Calls
from entrypoints.container.core import Core
from entrypoints.container.diagnosis import Diagnosis
from entrypoints.container.events import Events
from entrypoints.container.idempotency import Idempotency
from entrypoints.container.inbox import Inbox
from entrypoints.container.livekit import LiveKit
from entrypoints.container.observability import Observability
from entrypoints.container.operations import Operations
from entrypoints.container.participants import Participants
from entrypoints.container.phone_numbers import PhoneNumbers
from entrypoints.container.privacy import Privacy
from entrypoints.container.reconciliation import Reconciliation
from entrypoints.container.recordings import Recordings
from entrypoints.container.reports import Reports
from entrypoints.container.sessions import Sessions
from entrypoints.container.simulator import Simulator
from entrypoints.container.storage import Storage
from entrypoints.container.streaming import Streaming
from entrypoints.container.tickets import Tickets
from entrypoints.container.transcripts import Transcripts
from entrypoints.container.trunks import Trunks
from entrypoints.container.usage import Usage
from entrypoints.container.webhooks import Webhooks


class Container(
    Core,
    Observability,
    Events,
    LiveKit,
    Storage,
    Access,
    Idempotency,
    Privacy,
    Agents,
    PhoneNumbers,
    Sessions,
    Tickets,
    Calls,
    Recordings,
    Transcripts,
    Usage,
    Reconciliation,
    Inbox,
    Participants,
    Reports,
    Webhooks,
    Operations,
    Streaming,
    Trunks,
    Diagnosis,
    Simulator,
):
    """Use cases by name: ``Container(settings=settings).start_session()`` is ready to be called.

    A keyword argument replaces a provider: ``Container(settings=settings, clock=fake_clock)``.
    """

    background_jobs = providers.List(
        Reconciliation.reconciler,
        Operations.pruner,
        Inbox.inbox_worker,
        Sessions.worker_watch,
        Reports.report_matcher,
        Reports.telemetry_sink,
        Recordings.recording_jobs,
        Calls.end_announcer,
        Calls.answer_watch,
        Streaming.event_stream,
        Streaming.change_watch,
        Webhooks.delivery_worker,
    )
