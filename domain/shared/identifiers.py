"""Identifiers that cannot be constructed invalid."""

from __future__ import annotations

import re
import uuid
from typing import Self

import attrs

from domain.shared.errors import InvalidInput

MAX_LENGTH = 128
LONGEST = 512
"""Characters of a name that LiveKit made; its own limit is 256 (livekit-server 1.13.5)."""
LONGEST_ID = 128
"""Characters of an id that LiveKit made (``EV_…``, ``RM_…``, ``PA_…``); its own have some 20.

A name and an id together fit into one row of PostgreSQL's indexes, whatever characters they have.
"""
LONGEST_NUMBER = 128
"""Characters of a telephone number, which may be a SIP user's name. Two fit into an index's row."""
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}", re.ASCII)
# Neither NUL nor half a surrogate pair, which no database stores.
_ANY_NAME = re.compile(rf"[^\0\ud800-\udfff]{{1,{LONGEST}}}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def _validate(name: Name, _attribute: object, value: str) -> None:
    if not isinstance(value, str) or not _ANY_NAME.fullmatch(value):
        raise InvalidInput(
            f"{name.field} must be 1 to {LONGEST} characters.",
            field=name.field,
            example=name.example,
        )


@attrs.frozen
class Name:
    """A name as LiveKit has it: 1-512 characters.

    (Telephony names rooms and participants after numbers: ``sip_+15105550100``.) Raises
    :class:`InvalidInput` naming ``field`` for anything else.
    """

    field = "name"
    example = "name-1"

    value: str = attrs.field(validator=_validate)

    @classmethod
    def existing(cls, raw: str) -> Self:
        """The name that a caller uses for what LiveKit has, surrounding white space removed."""
        return cls(raw.strip() if isinstance(raw, str) else raw)

    @classmethod
    def parse(cls, raw: str) -> Self:
        """The name that a caller gives to something new, surrounding white space removed.

        URLs must carry it unescaped: 1-128 of ``A-Z a-z 0-9 _ -``, else :class:`InvalidInput`.
        """
        name = raw.strip() if isinstance(raw, str) else raw
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{cls.field} must be 1 to {MAX_LENGTH} characters of A-Z, a-z, 0-9, '_' and '-'.",
                field=cls.field,
                example=cls.example,
            )
        return cls(name)

    def __str__(self) -> str:
        return self.value


@attrs.frozen
class Identity(Name):
    """A participant's LiveKit ``identity``, unique within its room."""

    field = "userIdentity"
    example = "user-42"


@attrs.frozen
class RoomName(Name):
    """The name of a LiveKit room. A name may be used again; each instance has another ``sid``."""

    field = "roomName"
    example = "room-42"


@attrs.frozen
class Uuid:
    """A UUID in its canonical lower-case form (version 7 when made here).

    Raises :class:`InvalidInput` naming ``field`` for anything else.
    """

    field = "id"

    value: str = attrs.field()

    @value.validator
    def _canonical(self, _attribute: object, value: str) -> None:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise InvalidInput(
                f"{self.field} must be a UUID.",
                field=self.field,
                example="01890a5d-ac96-774b-bcce-b302099a8057",
            )

    def __str__(self) -> str:
        return self.value


@attrs.frozen
class SessionId(Uuid):
    """The id of a session."""

    field = "sessionId"


@attrs.frozen
class AgentId(Uuid):
    """The id of a saved agent."""

    field = "agentId"


@attrs.frozen
class PhoneNumberId(Uuid):
    """The id of a phone number's entry."""

    field = "phoneNumberId"


@attrs.frozen
class TicketId(Uuid):
    """The id of a ticket."""

    field = "ticketId"


@attrs.frozen
class CallId(Uuid):
    """The id of a phone call."""

    field = "callId"


@attrs.frozen
class EventId(Uuid):
    """The id of a domain event."""

    field = "eventId"


@attrs.frozen
class WebhookId(Uuid):
    """The id of a webhook subscription."""

    field = "webhookId"


@attrs.frozen
class DeliveryId(Uuid):
    """The id of a delivery of a domain event to a webhook."""

    field = "deliveryId"


@attrs.frozen
class ReportId(Uuid):
    """The id of a session report."""

    field = "reportId"


@attrs.frozen
class RecordingId(Uuid):
    """The id of a recording."""

    field = "recordingId"


_VERSION_BITS = 0xF << 76
_VERSION_7 = 0x7 << 76


def uuid_7_of(number: uuid.UUID) -> str:
    """Return an id in the form of those made here that is the same for the same ``number``."""
    return str(uuid.UUID(int=number.int & ~_VERSION_BITS | _VERSION_7))
