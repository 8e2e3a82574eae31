"""Fresh identifiers."""

from __future__ import annotations

from typing import Protocol

from domain.shared.identifiers import (
    AgentId,
    CallId,
    PhoneNumberId,
    RoomName,
    SessionId,
    TicketId,
)


class IdGenerator(Protocol):
    """Makes unique identifiers."""

    def session_id(self) -> SessionId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def call_id(self) -> CallId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def agent_id(self) -> AgentId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def phone_number_id(self) -> PhoneNumberId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def ticket_id(self) -> TicketId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def room_name(self) -> RoomName:
        """A room name of the form ``room-<uuid>``."""
        ...

    def process_id(self) -> str:
        """An id for a process that registers."""
        ...

    def claim_holder(self) -> str:
        """A name for one attempt to hold a claim, as this process's."""
        ...
