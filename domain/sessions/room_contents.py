"""What LiveKit lists for a room."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from domain.rooms.room import Dispatch, Participant, ParticipantKind, Room
from domain.rooms.sip_leg import SipLeg


@attrs.frozen(kw_only=True)
class RoomContents:
    """What LiveKit lists for a live room instance.

    ``dispatches`` is None where LiveKit was not asked. ``left`` are identities that a webhook
    reported to have left; LiveKit may still list their jobs.
    """

    room: Room
    participants: Sequence[Participant]
    dispatches: Sequence[Dispatch] | None = None
    left: Collection[str] = ()

    @property
    def has_people(self) -> bool:
        """Whether a person is in the room for an agent to talk to."""
        return any(participant.is_person for participant in self.participants)

    @property
    def all_agents(self) -> list[Participant]:
        """The agents in the room, of whatever name."""
        return [one for one in self.participants if one.kind is ParticipantKind.AGENT]

    def leg_of(self, participant_sid: str) -> SipLeg | None:
        """Return the leg of the phone participant with this sid, if it is listed."""
        legs = (one.leg for one in self.participants if one.leg is not None)
        return next((leg for leg in legs if leg.participant_sid == participant_sid), None)

    def agents(self, agent_name: str) -> list[Participant]:
        """Return the agents of this name, by their attributes or by the jobs of its dispatches.

        Workers older than livekit-agents 1.3 do not report their agent name.
        """
        dispatched = {
            identity
            for dispatch in self.dispatches or ()
            if dispatch.agent_name == agent_name
            for identity in dispatch.agents
        }
        return [
            agent
            for agent in self.participants
            if agent.kind is ParticipantKind.AGENT
            and (agent.agent_name == agent_name or agent.identity in dispatched)
        ]

    def has_foreign_agent(self, agent_name: str) -> bool:
        """Whether another agent is in the room, or was dispatched into it."""
        ours = {agent.identity for agent in self.agents(agent_name)}
        return any(
            participant.kind is ParticipantKind.AGENT and participant.identity not in ours
            for participant in self.participants
        ) or any(dispatch.agent_name not in ("", agent_name) for dispatch in self.dispatches or ())
