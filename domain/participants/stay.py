"""One participant's stay in a room, as far as it is known."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Final, TypeVar

import attrs

from domain.calls.call import Precision
from domain.rooms.room import Participant

_IDS: Final = uuid.UUID("5d3c3f6e-6d0f-5b43-9c55-6f1a1f8f6a3e")


class FactSource(enum.StrEnum):
    """The source of a fact; of several the first one counts."""

    WEBHOOK = "webhook"
    LIVEKIT = "livekit"
    LEDGER = "ledger"

    @property
    def rank(self) -> int:
        """Return a sort key: the best source is the least."""
        return _SOURCES.index(self)


_SOURCES: Final = list(FactSource)


@attrs.frozen
class Joined:
    """When a participant joined, and the source of that."""

    at: datetime
    source: FactSource

    @property
    def rank(self) -> tuple[int, datetime]:
        """Return a sort key: the best known time is the least."""
        return self.source.rank, self.at


@attrs.frozen(kw_only=True)
class Left:
    """When a participant left, or by when; ``reason`` is LiveKit's name for why."""

    at: datetime
    at_is: Precision
    source: FactSource
    reason: str | None = None
    aborted: bool = False

    @property
    def rank(self) -> tuple[bool, int, datetime, bool, str]:
        """Return a sort key: the best known time is the least."""
        is_bound = self.at_is is not Precision.EXACT
        return is_bound, self.source.rank, self.at, self.reason is None, self.reason or ""


@attrs.frozen(kw_only=True)
class Stay:
    """A participant in a room instance, from joining to leaving; ``left`` is None while it is in.

    ``participant`` is as the ``source`` described it, at ``described_at``. ``seen_at`` is the
    earliest time at which the service learned of it. An identity that joins again has another
    ``sid``, and another stay.
    """

    participant: Participant
    room_sid: str
    source: FactSource
    described_at: datetime
    seen_at: datetime
    joined: Joined | None = None
    left: Left | None = None
    is_listed: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Return its key among the stays in one room instance."""
        sid = self.participant.sid
        return ("sid", sid) if sid else ("identity", self.participant.identity)

    @property
    def age(self) -> tuple[datetime, str]:
        """Return a sort key: the participant who joined last is the greatest."""
        began = self.joined.at if self.joined is not None else self.seen_at
        return began, str(uuid.uuid5(_IDS, "\0".join((self.room_sid, *self.key))))

    def with_(self, other: Stay) -> Stay:
        """Return what both say of one stay; the same in whatever order they come."""
        newer, older = sorted((self, other), key=_freshness, reverse=True)
        return Stay(
            participant=_completed(newer.participant, older.participant),
            room_sid=self.room_sid,
            source=min(self.source, other.source, key=lambda source: source.rank),
            described_at=newer.described_at,
            seen_at=min(self.seen_at, other.seen_at),
            joined=_best(self.joined, other.joined),
            left=_best(self.left, other.left),
            is_listed=self.is_listed or other.is_listed,
        )


def _freshness(stay: Stay) -> tuple[bool, bool, datetime, bool, str]:
    described, participant = stay.source is not FactSource.LEDGER, stay.participant
    moment = stay.described_at
    return stay.is_listed, described, moment, participant.is_publisher, participant.name


def _completed(newer: Participant, older: Participant) -> Participant:
    """Return the newer description with what only the older one says."""
    return attrs.evolve(
        newer,
        name=newer.name or older.name,
        sid=newer.sid or older.sid,
        agent_name=newer.agent_name or older.agent_name,
        leg=newer.leg or older.leg,
        leg_status=newer.leg_status or older.leg_status,
        is_publisher=newer.is_publisher or older.is_publisher,
    )


Ranked = TypeVar("Ranked", Joined, Left)


def _best(one: Ranked | None, other: Ranked | None) -> Ranked | None:
    known = [fact for fact in (one, other) if fact is not None]
    return min(known, key=lambda fact: fact.rank, default=None)
