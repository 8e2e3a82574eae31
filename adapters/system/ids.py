"""Identifiers from the machine's clock and random source (RFC 9562)."""

from __future__ import annotations

import attrs
import uuid_utils

from domain.operations.process import ProcessIdentity
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


@attrs.frozen
class UuidIds:
    """Implements :class:`domain.shared.ids.IdGenerator` with UUIDs of version 7."""

    process: ProcessIdentity = attrs.field(factory=ProcessIdentity)

    def session_id(self) -> SessionId:
        """A UUIDv7: later ones sort after earlier ones."""
        return SessionId(str(uuid_utils.uuid7()))

    def call_id(self) -> CallId:
        """A UUIDv7: later ones sort after earlier ones."""
        return CallId(str(uuid_utils.uuid7()))

    def agent_id(self) -> AgentId:
        """A UUIDv7: later ones sort after earlier ones."""
        return AgentId(str(uuid_utils.uuid7()))

    def phone_number_id(self) -> PhoneNumberId:
        """A UUIDv7: later ones sort after earlier ones."""
        return PhoneNumberId(str(uuid_utils.uuid7()))

    def ticket_id(self) -> TicketId:
        """A UUIDv7: later ones sort after earlier ones."""
        return TicketId(str(uuid_utils.uuid7()))

    def event_id(self) -> EventId:
        """A UUIDv7: later ones sort after earlier ones."""
        return EventId(str(uuid_utils.uuid7()))

    def webhook_id(self) -> WebhookId:
        """A UUIDv7: later ones sort after earlier ones."""
        return WebhookId(str(uuid_utils.uuid7()))

    def delivery_id(self) -> DeliveryId:
        """A UUIDv7: later ones sort after earlier ones."""
        return DeliveryId(str(uuid_utils.uuid7()))

    def report_id(self) -> ReportId:
        """A UUIDv7: later ones sort after earlier ones."""
        return ReportId(str(uuid_utils.uuid7()))

    def recording_id(self) -> RecordingId:
        """A UUIDv7: later ones sort after earlier ones."""
        return RecordingId(str(uuid_utils.uuid7()))

    def room_name(self) -> RoomName:
        """A room name of the form ``room-<uuid>``."""
        return RoomName(f"room-{uuid_utils.uuid7()}")

    def process_id(self) -> str:
        """An id for a process that registers."""
        return str(uuid_utils.uuid7())

    def claim_holder(self) -> str:
        """A name for one attempt to hold a claim, as this process's."""
        return self.process.holder(str(uuid_utils.uuid7()))
