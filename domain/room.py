"""What LiveKit says is there: rooms, their participants and the dispatches in them."""

from __future__ import annotations

import enum

import attrs

from domain.call import LegStatus, PhoneLeg


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
    """A room instance; ``sid`` is new each time the name is used again.

    ``people`` is how many are in it, agents and egress not counted, as LiveKit tells it: up to five
    seconds late (livekit-server 1.13.5).
    """

    name: str
    sid: str
    people: int = 0


@attrs.frozen
class Participant:
    """Somebody in a room.

    ``agent_name`` is what an agent registered as, where it says so. A telephone has a ``leg``, and
    a ``leg_status`` where it says one.
    """

    identity: str
    kind: ParticipantKind
    agent_name: str | None = None
    leg: PhoneLeg | None = None
    leg_status: LegStatus | None = None

    @property
    def is_person(self) -> bool:
        """Whether an agent would have somebody to talk to."""
        return self.kind not in (
            ParticipantKind.AGENT,
            ParticipantKind.EGRESS,
            ParticipantKind.INGRESS,
        )


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
