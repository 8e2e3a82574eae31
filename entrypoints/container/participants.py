"""Participants of rooms."""

from __future__ import annotations

from dependency_injector import containers, providers

from domain.participants.gather_facts import GatherFacts
from domain.participants.place import FindPlace
from domain.participants.read_participants import ReadParticipants
from entrypoints.container.calls import Calls
from entrypoints.container.core import Core
from entrypoints.container.inbox import Inbox
from entrypoints.container.livekit import LiveKit
from entrypoints.container.sessions import Sessions
from entrypoints.container.storage import Storage


class Participants(containers.DeclarativeContainer):
    """Participants of rooms."""

    find_place = providers.Singleton(FindPlace, Sessions.read_sessions, Calls.read_calls)
    gather_facts = providers.Singleton(GatherFacts, Inbox.inbox, LiveKit.event_reader)
    read_participants = providers.Singleton(
        ReadParticipants,
        find_place=find_place,
        gather_facts=gather_facts,
        unit_of_work=Storage.storage.provided.unit_of_work,
        rooms=LiveKit.rooms,
        clock=Core.clock,
    )
