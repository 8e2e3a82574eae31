"""LiveKit's ``ParticipantInfo`` → the domain's participant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from livekit.protocol.models import ParticipantInfo, Room

from adapters.livekit.moments import from_milliseconds
from adapters.livekit.phone_leg import Normalised, is_phone, leg_status, phone_leg
from domain.rooms.room import Participant, ParticipantKind

KINDS: Final[Mapping[ParticipantInfo.Kind, ParticipantKind]] = {
    ParticipantInfo.Kind.STANDARD: ParticipantKind.STANDARD,
    ParticipantInfo.Kind.SIP: ParticipantKind.SIP,
    ParticipantInfo.Kind.AGENT: ParticipantKind.AGENT,
    ParticipantInfo.Kind.EGRESS: ParticipantKind.EGRESS,
    ParticipantInfo.Kind.INGRESS: ParticipantKind.INGRESS,
    ParticipantInfo.Kind.CONNECTOR: ParticipantKind.CONNECTOR,
    ParticipantInfo.Kind.BRIDGE: ParticipantKind.BRIDGE,
}


def to_participant(
    room: Room, info: ParticipantInfo, identity_prefix: str, normalised: Normalised
) -> Participant:
    """Return the participant; identities with the prefix count as telephones."""
    attributes = info.attributes
    phone = is_phone(info, identity_prefix)
    return Participant(
        identity=info.identity.replace("\0", "�"),
        kind=KINDS.get(info.kind, ParticipantKind.OTHER),
        agent_name=attributes.get("lk.agent.name") or attributes.get("lk.agent_name") or None,
        leg=phone_leg(room, info, normalised) if phone else None,
        leg_status=leg_status(info) if phone else None,
        sid=info.sid,
        joined_at=_joined_at(info),
        name=info.name.replace("\0", "�"),
        is_publisher=info.is_publisher,
    )


def _joined_at(info: ParticipantInfo) -> datetime | None:
    return from_milliseconds(info.joined_at_ms or info.joined_at * 1000)
