"""What is kept in memory, and what is no longer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from domain.calls.call import Call
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.sessions.session import Session

if TYPE_CHECKING:
    from adapters.memory.unit_of_work import MemoryStorage


class MemoryPersonalData:
    """Implements :class:`domain.privacy.personal_data.PersonalData`."""

    def __init__(self, ledger: MemoryStorage) -> None:
        self._ledger = ledger

    async def prune_sessions(self, before: datetime) -> int:
        """Delete sessions that ended before then; how many they were."""
        return self._ledger.sessions.remove(
            [
                one
                for one in self._ledger.sessions.by_id.values()
                if one.ended_at is not None and one.ended_at < before
            ]
        )

    async def prune_calls(self, before: datetime) -> int:
        """Delete calls that ended before then; how many they were."""
        return self._ledger.calls.remove(
            [
                one
                for one in self._ledger.calls.by_id.values()
                if one.ended_at is not None and one.ended_at < before
            ]
        )

    async def mentions(self, person: DataSubject) -> PersonalDataCounts:
        """What mentions ``person``."""
        sessions, calls = self._sessions(person), self._calls(person)
        return PersonalDataCounts(
            sessions=len(sessions),
            calls=len(calls),
            events=len(self._ledger.inbox.mentioning(person)),
            answers=len(self._ledger.idempotency.mentioning(person, _ids(sessions))),
            live=sum(one.is_live for one in sessions) + sum(one.is_live for one in calls),
        )

    async def forget(self, person: DataSubject) -> PersonalDataCounts:
        """Delete it; what it was."""
        found = await self.mentions(person)
        sessions = self._sessions(person)
        self._ledger.idempotency.forget(person, _ids(sessions))
        self._ledger.sessions.remove(sessions)
        self._ledger.calls.remove(self._calls(person))
        self._ledger.inbox.forget(person)
        return found

    def _sessions(self, person: DataSubject) -> list[Session]:
        return [
            one
            for one in self._ledger.sessions.by_id.values()
            if person.is_called(one.identity.value)
            or person.is_in_config(one.agent_config.text)
            or person.is_in(one.room_name.value)
            or (
                one.phone is not None
                and (person.is_in(one.phone.caller_number) or person.is_in(one.phone.called_number))
            )
        ]

    def _calls(self, person: DataSubject) -> list[Call]:
        return [
            one
            for one in self._ledger.calls.by_id.values()
            if person.is_called(one.parties.participant_identity)
            or any(person.is_in(text) for text in _texts(one))
        ]


def _texts(call: Call) -> tuple[str | None, ...]:
    """What may name a person beside the identity; a carrier's ids are a caller's, too."""
    leg, parties = call.leg, call.parties
    texts = (parties.room_name, parties.from_number, parties.to_number)
    if leg is None:
        return texts
    return (*texts, leg.sip_call_id, leg.sip_call_id_full, leg.carrier_call_id)


def _ids(sessions: Collection[Session]) -> list[str]:
    return [session.id.value for session in sessions]
