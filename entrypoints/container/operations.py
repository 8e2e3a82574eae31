"""Readiness, statistics and pruning."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from dependency_injector import containers, providers

from application.caching.cached_stats import CachedStats
from application.caching.ttl_cache import TtlCache
from application.logged_readiness import LoggedReadiness
from application.settings import READINESS_GOOD_FOR
from application.workers.jobs import PruneJob
from application.workers.periodic_job import PeriodicJob
from domain.operations.check_readiness import CheckReadiness
from domain.operations.delivery_warnings import DeliveryWarnings
from entrypoints.container.access import Access
from entrypoints.container.calls import Calls
from entrypoints.container.core import Core
from entrypoints.container.idempotency import Idempotency
from entrypoints.container.inbox import Inbox
from entrypoints.container.livekit import LiveKit
from entrypoints.container.reconciliation import Reconciliation
from entrypoints.container.reports import Reports
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage
from entrypoints.container.tickets import Tickets
from entrypoints.container.transcripts import Transcripts
from entrypoints.container.usage import Usage
from entrypoints.container.webhooks import Webhooks


class Operations(containers.DeclarativeContainer):
    """``pruner`` deletes in the background what each capability no longer keeps."""

    cached_stats = providers.Singleton(CachedStats, Storage.storage, Core.clock)
    check_readiness = providers.Singleton(
        CheckReadiness,
        providers.Dict(livekit=LiveKit.livekit_probe, database=Storage.storage),
        warnings=providers.List(
            Reconciliation.reconcile.provided.warning,
            # Of AGENT_NAME only: readiness is public, and tenants name their agents.
            providers.Singleton(
                partial, Sessions.watch_workers.provided.warning, Core.settings.provided.agent_name
            ),
        ),
        delivery_warnings=providers.Singleton(
            DeliveryWarnings, stats=cached_stats, clock=Core.clock
        ),
    )
    recent_readiness = providers.Singleton(
        TtlCache,
        providers.Singleton(LoggedReadiness, check_readiness),
        Core.clock,
        READINESS_GOOD_FOR,
    )
    pruner = providers.Singleton(
        PeriodicJob,
        name="prune",
        job=providers.Singleton(
            PruneJob,
            providers.Dict(
                inbox=Inbox.inbox_pruning,
                sessions=Sessions.session_pruning,
                unused_sessions=Sessions.unused_pruning,
                calls=Calls.call_pruning,
                answers=Idempotency.response_pruning,
                rate_windows=Access.rate_window_pruning,
                events=Webhooks.event_pruning,
                tickets=Tickets.ticket_pruning,
                reports=Reports.report_pruning,
                transcripts=Transcripts.transcript_pruning,
                usage=Usage.usage_pruning,
                deliveries=Webhooks.delivery_pruning,
            ),
            Core.clock,
        ),
        interval=timedelta(hours=1),
        leases=Storage.storage.provided.leases,
        clock=Core.clock,
        ids=Core.ids,
        liveness=Storage.heartbeat,
    )
