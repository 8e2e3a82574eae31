"""Between the rows of transcripts and the domain's items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from adapters.sqlalchemy.mapping import unreadable_row
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, SessionId
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.repository import FoundItem

_DETAILS: Final = (
    "metrics", "name", "arguments", "output", "call_id", "is_error", "extra", "truncated",
)  # fmt: skip
_ABSENT: Final[tuple[Any, ...]] = (None, {}, False)
_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def item_values(item: TranscriptItem, reported: Reported, kept_at: datetime) -> dict[str, Any]:
    """Return the columns of an item's row but its number and its words."""
    session_id, call_id = reported.session_id, reported.call_id
    return {
        "owner": owner_of(reported),
        "item_id": item.id,
        "report_id": reported.report_id.value,
        "session_id": None if session_id is None else session_id.value,
        "call_id": None if call_id is None or session_id is None else call_id.value,
        "tenant": None if session_id is None else reported.tenant,
        "position": item.position,
        "created_at": item.created_at or kept_at,
        "is_timed": item.created_at is not None,
        "kept_at": kept_at,
        "type": item.type,
        "role": item.role,
        "interrupted": item.interrupted,
        "text": item.text,
        "details": _details(item),
    }


def owner_of(reported: Reported) -> str:
    """Return the id of the session or, until that is known, of the report."""
    return (reported.session_id or reported.report_id).value


def _details(item: TranscriptItem) -> str | None:
    found: Mapping[str, Any] = {name: getattr(item, name) for name in _DETAILS}
    found = {
        name: value
        for name, value in found.items()
        if (name == "is_error" and value is not None) or value not in _ABSENT
    }
    return msgspec.json.encode(found).decode() if found else None


def to_item(row: Row[Any]) -> TranscriptItem:
    """Return the item that ``row`` was made from. Raises ``Unreadable``."""
    try:
        details = {} if row.details is None else _decoder.decode(row.details)
        return TranscriptItem(
            id=row.item_id,
            type=row.type,
            position=row.position,
            role=row.role,
            text=row.text,
            created_at=row.created_at if row.is_timed else None,
            interrupted=bool(row.interrupted),
            **{name: details[name] for name in _DETAILS if name in details},
        )
    except (ValueError, TypeError):
        raise unreadable_row(f"transcript item {row.number}") from None


def to_found_item(row: Row[Any]) -> FoundItem:
    """Return what a search found. Raises ``Unreadable``."""
    try:
        session_id = SessionId(row.session_id)
        call_id = None if row.call_id is None else CallId(row.call_id)
    except InvalidInput:
        raise unreadable_row(f"transcript item {row.number}") from None
    return FoundItem(
        item=to_item(row),
        session_id=session_id,
        call_id=call_id,
        tenant=row.tenant,
        created_at=row.created_at,
        number=row.number,
    )
