"""The queries for lists of the inbox, each of which reads one range of an index."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, literal, select, tuple_

from adapters.sqlalchemy.inbox.table import IN_LIST_OF_ROOM, inbox
from domain.inbox.entry import InboxStatus
from domain.shared.pagination import Cursor


def list_queries(  # noqa: PLR0913, PLR0917 - each filter is a parameter
    status: InboxStatus | None,
    limit: int,
    room_name: str | None,
    room_sid: str | None,
    after: Cursor | None,
    kinds: Collection[str] = (),
) -> list[Select[Any]]:
    """Return queries for the newest entries, of those older than ``after``; of a room, only one."""
    columns = inbox.c
    query = select(inbox).order_by(columns.received_at.desc(), columns.event_id.desc())
    query = query.limit(limit)
    if after is not None:
        at = literal(after.created_at, columns.received_at.type)
        place = tuple_(columns.received_at, columns.event_id)
        query = query.where(place < tuple_(at, literal(after.id, columns.event_id.type)))
    if room_sid is not None:
        query = query.where(columns.room_sid == room_sid)
    if kinds:
        query = query.where(columns.kind.in_(sorted(kinds)))
    if room_name is not None:
        query = query.where(columns.room_name == room_name, IN_LIST_OF_ROOM)
        return [query if status is None else query.where(columns.status == status.value)]
    wanted = [*InboxStatus] if status is None else [status]
    return [query.where(columns.status == each.value) for each in wanted]
