"""LiveKit's egress: what records a room's audio beside its agent, and the port to it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import attrs

from domain.shared.identifiers import RoomName


class EgressState(enum.StrEnum):
    """How far an egress is, as LiveKit reports it."""

    STARTING = "starting"
    ACTIVE = "active"
    ENDING = "ending"
    COMPLETE = "complete"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Whether it records no more."""
        return self in (EgressState.COMPLETE, EgressState.FAILED)


@attrs.frozen(kw_only=True)
class EgressFact:
    """What LiveKit reports of one egress.

    ``key`` is that of the object which it writes, None where it writes none of ours;
    ``recording_id`` is the text in it that names the recording. ``size`` is in bytes.
    """

    egress_id: str
    room_name: str
    state: EgressState
    key: str | None = None
    recording_id: str | None = None
    started_at: datetime | None = None
    duration: timedelta | None = None
    size: int | None = None
    error: str | None = None


class Egresses(Protocol):
    """LiveKit's egress service. Each method raises ``LiveKitError``."""

    async def start(self, room_name: RoomName, key: str) -> EgressFact:
        """Begin to record the room's audio into the object ``key``.

        Raises ``LiveKitRefused`` where certainly nothing records; after another error something
        may.
        """
        ...

    async def stop(self, egress_id: str) -> bool:
        """Let it complete; return whether a service runs it, and will report its end.

        One that has ended, or is not known, is a success. Raises ``LiveKitUncertain`` (timed out)
        where no service answers that ran it.
        """
        ...

    async def in_room(self, room_name: RoomName) -> Sequence[EgressFact]:
        """Return what records the room into an object of ours, or has lately."""
        ...

    async def find(self, egress_id: str) -> EgressFact | None:
        """Return the egress with this id; None if LiveKit does not know it."""
        ...


class EgressReader(Protocol):
    """Reads the bodies of webhook events about egresses."""

    def read(self, body: bytes) -> EgressFact | None:
        """Return what the event reports; None if it names no egress.

        Raises :class:`~domain.shared.errors.InvalidWebhook`.
        """
        ...
