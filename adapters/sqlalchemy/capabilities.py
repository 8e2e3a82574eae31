"""The root of the schema: every capability that has a table, in one line."""

from __future__ import annotations

from typing import Final

from adapters.sqlalchemy.agents.table import AGENT_VERSIONS, AGENTS
from adapters.sqlalchemy.api_keys import API_KEYS
from adapters.sqlalchemy.calls.table import CALLS
from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.events.table import EVENTS
from adapters.sqlalchemy.idempotency import IDEMPOTENCY
from adapters.sqlalchemy.inbox.table import INBOX
from adapters.sqlalchemy.leases import LEASES
from adapters.sqlalchemy.phone_numbers import PHONE_NUMBERS
from adapters.sqlalchemy.processes import PROCESSES
from adapters.sqlalchemy.publishable_keys import PUBLISHABLE_KEYS
from adapters.sqlalchemy.rate_limiter import RATE_WINDOWS
from adapters.sqlalchemy.recordings.sweeps import RECORDING_ORPHANS, RECORDING_SWEEPS
from adapters.sqlalchemy.recordings.table import RECORDINGS
from adapters.sqlalchemy.reports import REPORTS
from adapters.sqlalchemy.schema.metadata import metadata
from adapters.sqlalchemy.sessions.table import SESSIONS
from adapters.sqlalchemy.tickets import TICKETS
from adapters.sqlalchemy.transcripts.table import TRANSCRIPT_ITEMS
from adapters.sqlalchemy.usage.table import TURN_LATENCIES, USAGE, USAGE_REPORTS
from adapters.sqlalchemy.webhooks.table import (
    WEBHOOK_CURSOR,
    WEBHOOK_DELIVERIES,
    WEBHOOK_LANES,
    WEBHOOKS,
)

__all__ = ["CAPABILITIES", "metadata"]

CAPABILITIES: Final[tuple[Capability, ...]] = (
    SESSIONS,
    CALLS,
    INBOX,
    LEASES,
    PROCESSES,
    API_KEYS,
    PUBLISHABLE_KEYS,
    TICKETS,
    IDEMPOTENCY,
    RATE_WINDOWS,
    AGENTS,
    AGENT_VERSIONS,
    PHONE_NUMBERS,
    REPORTS,
    RECORDINGS,
    RECORDING_SWEEPS,
    RECORDING_ORPHANS,
    WEBHOOKS,
    WEBHOOK_CURSOR,
    WEBHOOK_DELIVERIES,
    WEBHOOK_LANES,
    EVENTS,
    TRANSCRIPT_ITEMS,
    USAGE_REPORTS,
    USAGE,
    TURN_LATENCIES,
)
"""In this order the rows that a dead process held are freed."""
