"""Transcripts."""

from __future__ import annotations

from dependency_injector import containers, providers

from domain.transcripts.read_transcript import ReadTranscript
from domain.transcripts.search_transcripts import SearchTranscripts
from entrypoints.container.calls import Calls
from entrypoints.container.core import Core
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage

transcripts = Storage.storage.provided.transcripts


class Transcripts(containers.DeclarativeContainer):
    """Transcripts."""

    read_transcript = providers.Singleton(
        ReadTranscript, Sessions.read_sessions, Calls.read_calls, transcripts
    )
    search_transcripts = providers.Singleton(SearchTranscripts, transcripts)
    transcript_pruning = providers.List(
        transcripts.prune, Core.settings.provided.transcript_retention
    )
