"""What LiveKit says is there: rooms, their participants and the dispatches in them."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import attrs

from domain.rooms.sip_leg import LegStatus, SipLeg


class ParticipantKind(enum.Enum):
    """LiveKit's ``ParticipantInfo.Kind``, as far as the service distinguishes them."""

    STANDARD = "standard"
    SIP = "sip"
    AGENT = "agent"
    EGRESS = "egress"
    INGRESS = "ingress"
    CONNECTOR = "connector"
    BRIDGE = "bridge"
    OTHER = "other"

    @property
    def is_person(self) -> bool:
        """Return whether an agent could talk to participants of this kind."""
        return self not in _NO_PEOPLE


_NO_PEOPLE: Final = frozenset(
    (
        ParticipantKind.AGENT,
        ParticipantKind.EGRESS,
        ParticipantKind.INGRESS,
        ParticipantKind.BRIDGE,
    )
)


@attrs.frozen
class Room:
    """A room instance; ``sid`` is new each time the name is used again.

    ``people`` is the number of participants without agents and egress, as LiveKit reports it: up to
    five seconds late (livekit-server 1.13.5).
    """

    name: str
    sid: str
    people: int = 0


@attrs.frozen
class Participant:
    """A participant of a room.

    ``agent_name`` is what an agent registered as, where it says so. A telephone has a ``leg``, and
    a ``leg_status`` where it says one. ``sid`` is new each time an identity joins; ``joined_at``
    is None where LiveKit does not report it. ``name`` is what the room shows, empty without one.
    """

    identity: str
    kind: ParticipantKind
    agent_name: str | None = None
    leg: SipLeg | None = None
    leg_status: LegStatus | None = None
    sid: str = ""
    joined_at: datetime | None = None
    name: str = ""
    is_publisher: bool = False

    @property
    def is_person(self) -> bool:
        """Return whether an agent could talk to this participant."""
        return self.kind.is_person

    @property
    def traits(self) -> ParticipantTraits:
        """Return what decides whether the participant's events are handled."""
        leg = self.leg
        if leg is None:
            return ParticipantTraits(self.kind)
        has_stay = bool(leg.room_sid and leg.participant_sid)
        return ParticipantTraits(self.kind, is_phone=True, trunk_id=leg.trunk_id, has_stay=has_stay)


@attrs.frozen
class ParticipantTraits:
    """What decides whether a participant's events are handled; ``trunk_id`` is a telephone's.

    ``has_stay``: the event has the sids of the participant and the room, which identify a call.
    """

    kind: ParticipantKind
    is_phone: bool = False
    trunk_id: str | None = None
    has_stay: bool = True


class JobStatus(enum.StrEnum):
    """LiveKit's ``JobStatus``; a cancelled job counts as failed."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Job:
    """A worker's work on a dispatch: its agent joins the room as ``agent_identity``.

    ``agent_identity`` is empty until a worker has accepted the job. The times are None where
    LiveKit does not report them.
    """

    id: str
    status: JobStatus
    agent_identity: str = ""
    started_at: datetime | None = None
    updated_at: datetime | None = None


@attrs.frozen
class Dispatch:
    """An agent dispatch that a room lists.

    ``session_id`` is read from the dispatch's metadata (None in a dispatch that is not ours).
    LiveKit lists a job some seconds late, and goes on listing it as running after its agent has
    left, so only the list of participants is reliable (livekit-server 1.13.5).
    """

    id: str
    agent_name: str
    session_id: str | None
    jobs: tuple[Job, ...] = ()

    @property
    def agents(self) -> tuple[str, ...]:
        """The identities of the participants that its jobs join as."""
        return tuple(job.agent_identity for job in self.jobs if job.agent_identity)
