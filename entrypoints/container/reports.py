"""Workers' reports: receiving, keeping and matching them."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.livekit.report_reader import LiveKitReportReader
from adapters.livekit.tokens import TokenFactory
from adapters.livekit.worker_verifier import LiveKitWorkerVerifier
from adapters.otlp.forwarder import OtlpForwarder
from application.workers.report_matcher import ReportMatcher
from domain.reports.announce import Announce
from domain.reports.doubtful_audio import DoubtfulAudio
from domain.reports.keep_report import KeepReport
from domain.reports.match_reports import MatchReports
from domain.reports.post_report import PostReport
from domain.reports.receive_report import ReceiveReport
from entrypoints.container.core import Core
from entrypoints.container.livekit import timestamp
from entrypoints.container.observability import Observability
from entrypoints.container.recordings import Recordings
from entrypoints.container.storage import Storage
from entrypoints.container.usage import Usage
from entrypoints.presenters.reports import EventData

settings = Core.settings.provided
storage = Storage.storage.provided


class Reports(containers.DeclarativeContainer):
    """``report_matcher`` and ``telemetry_sink`` run in the background."""

    worker_verifier = providers.Singleton(
        LiveKitWorkerVerifier,
        providers.Singleton(
            TokenFactory, settings.livekit_api_key, settings.livekit_api_secret, timestamp
        ),
    )
    report_reader = providers.Singleton(LiveKitReportReader)
    announce_report = providers.Singleton(
        Announce, providers.Singleton(EventData), Usage.read_usage
    )
    keep_report = providers.Singleton(
        KeepReport,
        unit_of_work=storage.unit_of_work,
        announce=announce_report,
        clock=Core.clock,
        ids=Core.ids,
    )
    doubtful_audio = providers.Singleton(
        DoubtfulAudio, unit_of_work=storage.unit_of_work, clock=Core.clock, ids=Core.ids
    )
    receive_report = providers.Singleton(
        ReceiveReport,
        reader=report_reader,
        store=Recordings.recording_store,
        keep_report=keep_report,
        doubtful_audio=doubtful_audio,
    )
    post_report = providers.Singleton(PostReport, reader=report_reader, keep_report=keep_report)
    match_reports = providers.Singleton(
        MatchReports,
        unit_of_work=storage.unit_of_work,
        announce=announce_report,
        clock=Core.clock,
    )
    report_matcher = providers.Singleton(
        ReportMatcher,
        match_reports=match_reports,
        doubtful_audio=doubtful_audio,
        leases=storage.leases,
        clock=Core.clock,
        ids=Core.ids,
    )
    report_pruning = providers.List(storage.prune_reports, settings.unmatched_report_retention)
    telemetry_sink = providers.Singleton(
        OtlpForwarder,
        settings.otlp_endpoint,
        settings.otlp_headers,
        Observability.telemetry.provided.worker_telemetry,
    )
