"""What LiveKit says is there: rooms, their participants and the dispatches in them."""

from __future__ import annotations

import enum

import attrs


class ParticipantKind(enum.Enum):
    """LiveKit's ``ParticipantInfo.Kind``, as far as the service tells them apart."""

    STANDARD = "standard"
    SIP = "sip"
    AGENT = "agent"
    EGRESS = "egress"
    INGRESS = "ingress"
    OTHER = "other"


@attrs.frozen
class Room:
    """A room instance; ``sid`` is new each time the name is used again."""

    name: str
    sid: str


@attrs.frozen
class Participant:
    """Somebody in a room. ``agent_name`` is what an agent registered as, where it says so."""

    identity: str
    kind: ParticipantKind
    agent_name: str | None = None


@attrs.frozen
class Dispatch:
    """An agent dispatch that a room lists.

    ``session_id`` is read from the dispatch's metadata (None in a dispatch that is not ours);
    ``agents`` are the identities of the participants its jobs join as. LiveKit lists a job some
    seconds late, and goes on listing it as running after its agent has left, so only the list of
    participants tells who is there (livekit-server 1.13.5).
    """

    id: str
    agent_name: str
    session_id: str | None
    agents: tuple[str, ...] = ()
