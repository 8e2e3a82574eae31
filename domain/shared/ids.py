"""Fresh identifiers."""

from __future__ import annotations

from typing import Protocol

from domain.shared.identifiers import (
    AgentId,
    CallId,
    DeliveryId,
    EventId,
    PhoneNumberId,
    RecordingId,
    ReportId,
    RoomName,
    SessionId,
    TicketId,
    WebhookId,
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

    def event_id(self) -> EventId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def webhook_id(self) -> WebhookId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def delivery_id(self) -> DeliveryId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def report_id(self) -> ReportId:
        """A UUIDv7: later ones sort after earlier ones."""
        ...

    def recording_id(self) -> RecordingId:
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
