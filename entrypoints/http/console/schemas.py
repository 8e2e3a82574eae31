"""What responses about sessions of the console have."""

from __future__ import annotations

import enum

import msgspec

from domain.access.access import Scope
from domain.access.manage_console_sessions import OpenedConsoleSession
from entrypoints.presenters.fields import Timestamp
from entrypoints.presenters.times import rfc3339


class ConsoleState(enum.StrEnum):
    """Whether the console shows its contents, or asks for a key."""

    SIGNED_IN = "signed_in"
    OPEN = "open"
    SIGNED_OUT = "signed_out"


class ConsoleSessionResponse(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Whether the browser has a session of the console, and whose.

    `open`: the service has no API keys and the browser is on the same machine. `reason` says why
    the browser is `signed_out` and what to do. `expiresAt` is when the session ends; it ends
    sooner with its key.
    """

    state: ConsoleState
    tenant: str | None = None
    scopes: list[Scope] = []
    expires_at: Timestamp | None = None
    reason: str | None = None


def signed_in(opened: OpenedConsoleSession) -> ConsoleSessionResponse:
    """Return what the console shows of its session."""
    return ConsoleSessionResponse(
        state=ConsoleState.SIGNED_IN,
        tenant=opened.access.tenant,
        scopes=sorted(opened.access.scopes),
        expires_at=rfc3339(opened.session.expires_at),
    )
