"""Identifiers that cannot be constructed invalid."""

from __future__ import annotations

import re
from typing import Self

import attrs

from domain.errors import InvalidInput

MAX_LENGTH = 128
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def _validate(name: Name, _attribute: object, value: str) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidInput(
            f"{name.field} must be 1 to {MAX_LENGTH} characters of A-Z, a-z, 0-9, '_' and '-'.",
            field=name.field,
            example=name.example,
        )


@attrs.frozen
class Name:
    """A name LiveKit and URLs both carry unescaped: 1-128 of ``A-Z a-z 0-9 _ -``.

    Raises :class:`InvalidInput` naming ``field`` for anything else.
    """

    field = "name"
    example = "name-1"

    value: str = attrs.field(validator=_validate)

    @classmethod
    def parse(cls, raw: str) -> Self:
        """The name in ``raw``, with surrounding white space removed."""
        return cls(raw.strip() if isinstance(raw, str) else raw)

    def __str__(self) -> str:
        return self.value


@attrs.frozen
class Identity(Name):
    """Who a participant is in a room (LiveKit's ``identity``): unique within that room."""

    field = "userIdentity"
    example = "user-42"


@attrs.frozen
class RoomName(Name):
    """The name of a LiveKit room. A name may be used again; ``sid`` tells the instances apart."""

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
class CallId(Uuid):
    """The id of a phone call."""

    field = "callId"
