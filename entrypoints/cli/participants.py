"""What ``backend sessions participants`` and ``backend calls participants`` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import typer

from domain.access.access import SYSTEM
from domain.participants.read_participants import Participants, ReadParticipants
from domain.participants.stay import Stay
from domain.shared.pagination import MAX_LIMIT
from entrypoints.cli.livekit import LIVEKIT_VARIABLES
from entrypoints.cli.process import ledger
from entrypoints.cli.records import find, json_of, show_page
from entrypoints.presenters.participants import participant_response

_HEADER: Final = ("identity", "name", "kind", "joined", "left", "reason", "sid")


async def read_participants(kind: Literal["session", "call"], wanted: str) -> Participants:
    """Return those of a session or a call, by its id or its room's name. Raises ``NotFound``."""
    async with ledger(*LIVEKIT_VARIABLES, "TELEPHONY_SIP_IDENTITY_PREFIX") as container:
        read: ReadParticipants = container.read_participants()
        async with container.livekit_client():
            if kind == "session":
                session = await find(container.read_sessions(), wanted, kind)
                return await read.of_session(session.id.value, SYSTEM, limit=MAX_LIMIT)
            call = await find(container.read_calls(), wanted, kind)
            return await read.of_call(call.id.value, SYSTEM, limit=MAX_LIMIT)


def show_participants(found: Participants, *, as_json: bool) -> None:
    """Print who is and was in the room, and why a participant may be missing."""
    show_page(found.page, _HEADER, _row, _json if as_json else None, "GET …/participants lists all")
    for gap in found.gaps:
        typer.echo(f"Not complete: {gap.replace('_', ' ')}.", err=True)


def _json(stay: Stay) -> str:
    return json_of(participant_response(stay))


def _row(stay: Stay) -> Sequence[object]:
    shown = participant_response(stay)
    at_most = "by " if shown.left_at_is == "at_most" else ""
    left = "" if shown.left_at is None else f"{at_most}{shown.left_at}"
    return (
        shown.identity,
        shown.name,
        shown.kind.value,
        shown.joined_at,
        left,
        shown.leave_reason,
        shown.sid,
    )
