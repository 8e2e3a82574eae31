"""Recordings: the store, playing, egress and erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dependency_injector import containers, providers
from livekit.protocol.egress import S3Upload

from adapters.livekit.egresses import EgressOutput, LiveKitEgresses, LiveKitEgressReader
from adapters.object_store.files import FileStore
from adapters.system.link_signer import HmacLinkSigner
from application.settings import RecordingBucket, RecordingFolder
from application.workers.job_group import JobGroup
from application.workers.periodic_job import PeriodicJob
from application.workers.recording_jobs import SettleJob, SweepJob
from domain.recordings.erase_recordings import EraseRecordings
from domain.recordings.handle_egress_event import HandleEgressEvent
from domain.recordings.link import MakeLink
from domain.recordings.play_recording import PlayRecording
from domain.recordings.read_recordings import ReadRecordings
from domain.recordings.settle_egress import SettleEgress
from domain.recordings.settle_recordings import SettleRecordings
from domain.recordings.start_recording import StartRecording
from domain.recordings.stop_recording import StopRecording
from domain.recordings.sweep_store import SWEPT_EVERY, SweepStore
from entrypoints.container.calls import Calls
from entrypoints.container.core import Core
from entrypoints.container.livekit import LiveKit
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage
from entrypoints.presenters.recordings import recording_data
from entrypoints.settings import Settings
from entrypoints.settings.recordings import is_plain

if TYPE_CHECKING:
    from domain.recordings.store import RecordingStore

settings = Core.settings.provided
storage = Storage.storage.provided


def _store(settings: Settings) -> RecordingStore | None:
    place = settings.recordings
    if place is None:
        return None
    if isinstance(place, RecordingFolder):
        return FileStore(place.path)
    from adapters.object_store.s3 import (  # noqa: PLC0415 - takes 15 MB, and time at the start
        S3Store,
        bucket_at,
    )

    given = {
        "access_key_id": settings.aws_access_key_id,
        "secret_access_key": settings.aws_secret_access_key,
        "session_token": settings.aws_session_token,
        "region": _region(settings),
        "endpoint": settings.aws_endpoint_url,
    }
    config = {name: value for name, value in given.items() if value is not None}
    plain = is_plain(settings.aws_endpoint_url or "")
    return S3Store(bucket_at(place.bucket, place.prefix, config, allow_http=plain))


def _region(settings: Settings) -> str | None:
    return settings.aws_region or settings.aws_default_region


def _egress_output(settings: Settings) -> EgressOutput:
    place = settings.recordings
    if isinstance(place, RecordingBucket):
        endpoint = settings.aws_endpoint_url or ""
        bucket = S3Upload(
            access_key=settings.aws_access_key_id or "",
            secret=settings.aws_secret_access_key or "",
            session_token=settings.aws_session_token or "",
            region=_region(settings) or "",
            endpoint=endpoint,
            bucket=place.bucket,
            force_path_style=bool(endpoint),
        )
        return EgressOutput(f"{place.prefix}/" if place.prefix else "", bucket)
    return EgressOutput(f"{place.path}/" if place is not None else "recordings/")


def _is_set(settings: Settings) -> bool:
    return settings.recordings is not None


def _jobs(settings: Settings, *jobs: Any) -> JobGroup:
    """Return the jobs, of which none runs where nothing is recorded."""
    return JobGroup(jobs if _is_set(settings) else ())


class Recordings(containers.DeclarativeContainer):
    """``recording_store`` is None where RECORDINGS_URL is not set."""

    recording_store = providers.Singleton(_store, Core.settings)
    egress_output = providers.Singleton(_egress_output, Core.settings)
    egresses = providers.Singleton(LiveKitEgresses, LiveKit.livekit_client, egress_output)
    egress_reader = providers.Singleton(LiveKitEgressReader, egress_output)
    link_signer = providers.Singleton(HmacLinkSigner, settings.livekit_api_secret)
    read_recordings = providers.Singleton(
        ReadRecordings, storage.unit_of_work, Sessions.read_sessions, Calls.read_calls
    )
    play_recording = providers.Singleton(
        PlayRecording,
        read_recordings=read_recordings,
        unit_of_work=storage.unit_of_work,
        store=recording_store,
        signer=link_signer,
        clock=Core.clock,
    )
    make_link = providers.Singleton(
        MakeLink, read_recordings=read_recordings, signer=link_signer, clock=Core.clock
    )
    settle_egress = providers.Singleton(
        SettleEgress,
        unit_of_work=storage.unit_of_work,
        egresses=egresses,
        store=recording_store,
        clock=Core.clock,
        present=providers.Object(recording_data),
    )
    handle_egress_event = providers.Singleton(HandleEgressEvent, egress_reader, settle_egress)
    start_recording = providers.Singleton(
        StartRecording,
        read_sessions=Sessions.read_sessions,
        unit_of_work=storage.unit_of_work,
        egresses=egresses,
        settle_egress=settle_egress,
        clock=Core.clock,
        ids=Core.ids,
        is_enabled=providers.Callable(_is_set, Core.settings),
    )
    stop_recording = providers.Singleton(
        StopRecording,
        read_recordings=read_recordings,
        unit_of_work=storage.unit_of_work,
        egresses=egresses,
    )
    settle_recordings = providers.Singleton(
        SettleRecordings,
        unit_of_work=storage.unit_of_work,
        egresses=egresses,
        settle_egress=settle_egress,
        clock=Core.clock,
    )
    erase_recordings = providers.Singleton(
        EraseRecordings,
        read_recordings=read_recordings,
        unit_of_work=storage.unit_of_work,
        recordings=storage.recordings,
        store=recording_store,
        egresses=egresses,
        clock=Core.clock,
    )
    sweep_store = providers.Singleton(
        SweepStore,
        unit_of_work=storage.unit_of_work,
        notes=storage.sweep_notes,
        store=recording_store,
        clock=Core.clock,
        ids=Core.ids,
    )
    recording_settler = providers.Singleton(
        PeriodicJob,
        name="settle-recordings",
        job=providers.Singleton(SettleJob, settle_recordings, erase_recordings),
        interval=settings.reconcile_interval,
        leases=storage.leases,
        clock=Core.clock,
        ids=Core.ids,
        liveness=Storage.heartbeat,
    )
    recording_sweeper = providers.Singleton(
        PeriodicJob,
        name="sweep-recordings",
        job=providers.Singleton(
            SweepJob, sweep_store, erase_recordings, settings.recording_retention
        ),
        interval=providers.Object(SWEPT_EVERY),
        leases=storage.leases,
        clock=Core.clock,
        ids=Core.ids,
        liveness=Storage.heartbeat,
    )
    recording_jobs = providers.Singleton(_jobs, Core.settings, recording_settler, recording_sweeper)
