"""The storage backend that DATABASE_URL selects."""

from __future__ import annotations

from dependency_injector import containers, providers

from adapters.memory.storage import MemoryStorage
from adapters.phonenumbers.numbers_in_text import NumbersInText
from adapters.sqlalchemy.schema.backup import backup, restore
from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from application.workers.event_signal import EventSignal
from application.workers.heartbeat import Heartbeat
from domain.transcripts.policy import TranscriptPolicy
from domain.transcripts.redaction import Redactor
from entrypoints.container.core import Core
from entrypoints.container.events import Events
from entrypoints.container.observability import Observability

settings = Core.settings.provided


def _transcript_policy(*, is_enabled: bool, redacts: bool, region: str) -> TranscriptPolicy:
    redactor = Redactor(NumbersInText(region)) if redacts else None
    return TranscriptPolicy(is_enabled=is_enabled, redactor=redactor)


class Storage(containers.DeclarativeContainer):
    """The storage backend, and ``heartbeat``, this process's entry in it.

    ``others_left`` is rung once another process has stopped or was killed.
    """

    transcript_policy = providers.Singleton(
        _transcript_policy,
        is_enabled=settings.transcripts_enabled,
        redacts=settings.transcripts_redact,
        region=settings.transcripts_redact_region,
    )
    _database = providers.Singleton(
        SqlStorage,
        settings.database_url,
        watch=Observability.telemetry.provided.batch,
        whole_configs=settings.store_agent_config,
        announcer=Events.announcer,
        transcript_policy=transcript_policy,
        event_skipped=Observability.telemetry.provided.event_skipped,
    )
    storage = providers.Selector(
        settings.storage,
        memory=providers.Singleton(MemoryStorage, Events.announcer, transcript_policy),
        sqlite=_database,
        postgresql=_database,
    )
    outbox = storage.provided.outbox
    backup = providers.Callable(backup)
    restore = providers.Callable(restore)
    migrate = providers.Callable(migrate, settings.database_url)
    others_left = providers.Singleton(EventSignal)
    heartbeat = providers.Singleton(
        Heartbeat,
        processes=storage.provided.processes,
        clock=Core.clock,
        identity=Core.process_identity,
        ids=Core.ids,
        alone=settings.serves_alone,
        others_left=others_left.provided.ring,
    )
