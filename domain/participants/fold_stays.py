"""Who is and was in a room, by what webhooks, LiveKit and the ledger say of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import attrs

from domain.calls.assign_agent import LISTED_WITHIN
from domain.calls.call import Call, Precision
from domain.participants.stay import FactSource, Joined, Left, Stay
from domain.rooms.room import Participant, ParticipantKind
from domain.rooms.room_event import EventKind, RoomEvent
from domain.sessions.session import Session

_LEAVES: Final = (EventKind.PARTICIPANT_LEFT, EventKind.PARTICIPANT_CONNECTION_ABORTED)


@attrs.frozen
class Listing:
    """Whom LiveKit listed in the room instance by ``at``; empty where that is gone."""

    room_sid: str
    at: datetime
    participants: Sequence[Participant] = ()


@attrs.frozen
class RoomEnd:
    """When a room instance was over, and the source of that."""

    at: datetime
    source: FactSource


@attrs.define
class RoomFacts:
    """Facts about a room, which may come in any order, repeatedly, or not at all.

    ``end`` is the end of every room instance without a webhook that reports it.
    """

    end: RoomEnd | None = None
    _stays: dict[tuple[str, str, str], Stay] = attrs.field(factory=dict)
    _agents: list[Stay] = attrs.field(factory=list)
    _ends: dict[str, datetime] = attrs.field(factory=dict)

    def add_event(self, event: RoomEvent, received_at: datetime) -> None:
        """Add what a webhook reports."""
        at, participant = _milliseconds(event.at), event.participant
        if event.kind is EventKind.ROOM_FINISHED:
            self._ends[event.room.sid] = min(at, self._ends.get(event.room.sid, at))
        elif participant is not None and (participant.sid or participant.identity):
            leaves = event.kind in _LEAVES
            self._add(
                Stay(
                    participant=participant,
                    room_sid=event.room.sid,
                    source=FactSource.WEBHOOK,
                    described_at=received_at,
                    seen_at=received_at,
                    joined=_joined(event, at),
                    left=_left(event, at) if leaves else None,
                )
            )

    def add_call(self, call: Call) -> None:
        """Add the stay that the call is."""
        leg = call.leg
        if leg is None:
            return
        left = None
        if call.ended_at is not None:
            left = Left(
                at=call.ended_at,
                at_is=call.ended_at_is,
                source=FactSource.LEDGER,
                reason=call.disconnect_reason,
                aborted=call.aborted,
            )
        self._add(
            Stay(
                participant=Participant(
                    leg.participant_identity,
                    ParticipantKind.SIP,
                    leg=leg,
                    sid=leg.participant_sid,
                    joined_at=leg.joined_at,
                ),
                room_sid=leg.room_sid,
                source=FactSource.LEDGER,
                described_at=call.created_at,
                seen_at=call.created_at,
                joined=Joined(leg.joined_at, FactSource.LEDGER),
                left=left,
            )
        )

    def add_agents(self, session: Session) -> None:
        """Add the agents that have served the session, which knows no sid of theirs."""
        seen_at = session.agent_joined_at or session.created_at
        for identity in session.agents:
            is_last = identity == session.agents[-1]
            joined_at = session.agent_joined_at if is_last else None
            left_at = session.agent_left_at if is_last else None
            gone = Left(at=left_at or seen_at, at_is=Precision.AT_MOST, source=FactSource.LEDGER)
            self._agents.append(
                Stay(
                    participant=Participant(identity, ParticipantKind.AGENT, session.agent_name),
                    room_sid=session.room_sid or "",
                    source=FactSource.LEDGER,
                    described_at=seen_at,
                    seen_at=seen_at,
                    joined=None if joined_at is None else Joined(joined_at, FactSource.LEDGER),
                    left=None if identity == session.agent_identity else gone,
                )
            )

    def stays(self, listing: Listing | None = None) -> list[Stay]:
        """Return every known stay once; ``listing`` was made after the facts were read."""
        found = dict(self._stays)
        for stay in () if listing is None else _listed(listing):
            _merge(found, stay)
        for agent in self._agents:
            _merge(found, _with_sid(agent, found.values()))
        return [self._closed(stay, listing) for stay in found.values()]

    def _add(self, stay: Stay) -> None:
        _merge(self._stays, stay)

    def _closed(self, stay: Stay, listing: Listing | None) -> Stay:
        """Return the stay with its end, if its participant is not in the room any more."""
        left = None if stay.is_listed else stay.left or self._bound(stay, listing)
        if left is not None and stay.joined is not None:
            left = attrs.evolve(left, at=max(left.at, stay.joined.at))
        return attrs.evolve(stay, left=left)

    def _bound(self, stay: Stay, listing: Listing | None) -> Left | None:
        """Return by when a participant had left of whom no leave is known."""
        ended = self._ends.get(stay.room_sid)
        end = self.end if ended is None else RoomEnd(ended, FactSource.WEBHOOK)
        if end is not None:
            return Left(at=end.at, at_is=Precision.AT_MOST, source=end.source)
        if listing is None or listing.at - stay.seen_at < LISTED_WITHIN:
            return None
        return Left(at=listing.at, at_is=Precision.AT_MOST, source=FactSource.LIVEKIT)


def visible_within(stays: Iterable[Stay], since: datetime, until: datetime | None) -> list[Stay]:
    """Leave out who was in the room only before a record began, or only after it had ended.

    Both LiveKit's clock and the service's must say so.
    """
    return [
        stay
        for stay in stays
        if not (stay.left is not None and max(stay.left.at, stay.described_at) < since)
        and not (until is not None and min(stay.age[0], stay.seen_at) > until)
    ]


def _merge(stays: dict[tuple[str, str, str], Stay], stay: Stay) -> None:
    key = (stay.room_sid, *stay.key)
    known = stays.get(key)
    stays[key] = stay if known is None else known.with_(stay)


def _listed(listing: Listing) -> Collection[Stay]:
    return [
        Stay(
            participant=participant,
            room_sid=listing.room_sid,
            source=FactSource.LIVEKIT,
            described_at=listing.at,
            seen_at=listing.at,
            joined=None
            if participant.joined_at is None
            else Joined(participant.joined_at, FactSource.LIVEKIT),
            is_listed=True,
        )
        for participant in listing.participants
    ]


def _joined(event: RoomEvent, at: datetime) -> Joined | None:
    """Return when the participant joined; a leave without that is read as if it were at once."""
    joined_at = event.participant.joined_at if event.participant is not None else None
    if joined_at is None or (event.kind in _LEAVES and joined_at >= at):
        return None
    return Joined(joined_at, FactSource.WEBHOOK)


def _left(event: RoomEvent, at: datetime) -> Left:
    return Left(
        at=at,
        at_is=Precision.EXACT,
        source=FactSource.WEBHOOK,
        reason=event.disconnect_reason,
        aborted=event.kind is EventKind.PARTICIPANT_CONNECTION_ABORTED,
    )


def _with_sid(agent: Stay, stays: Iterable[Stay]) -> Stay:
    """Return the ledger's agent as the last of the stays of its identity, if there are any."""
    same = [stay for stay in stays if stay.participant.identity == agent.participant.identity]
    if not same:
        return agent
    last = max(same, key=lambda stay: stay.age)
    participant = attrs.evolve(agent.participant, sid=last.participant.sid)
    return attrs.evolve(agent, participant=participant, room_sid=last.room_sid)


def _milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
