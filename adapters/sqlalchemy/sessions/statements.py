"""The statements that read and write sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Executable,
    Integer,
    Label,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from adapters.sqlalchemy.engine.bulk_statements import insert_rows
from adapters.sqlalchemy.engine.database import PAGE
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.events.appending import WithCreated
from adapters.sqlalchemy.sessions.table import (
    SESSION_END_IS_PENDING,
    SESSION_IS_LIVE,
    SESSION_WAS_UNUSED,
    sessions,
)
from domain.events.domain_event import EventKind
from domain.sessions.repository import MOST_IN_INSTANCE
from domain.sessions.session_status import SessionStatus

# Built once: SQLAlchemy then finds their compiled form by identity.
GET: Final = Lookup(select(sessions).where(sessions.c.id == bindparam("wanted")))
LIVE_IN: Final = Lookup(
    select(sessions).where(sessions.c.room_name == bindparam("wanted"), SESSION_IS_LIVE)
)
NEWEST_IN: Final = Lookup(
    select(sessions)
    .where(sessions.c.room_name == bindparam("wanted"))
    .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    .limit(1)
)
IN_INSTANCE: Final = (
    select(sessions)
    .where(sessions.c.room_sid == bindparam("wanted"))
    .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    .limit(MOST_IN_INSTANCE)
)
LIVE_OF: Final = (
    select(func.count())
    .select_from(sessions)
    .where(sessions.c.tenant == bindparam("wanted"), SESSION_IS_LIVE)
)
# As SessionOutline.is_unused.
_IS_UNUSED: Final = and_(
    sessions.c.join_until.is_not(None),
    sessions.c.status == SessionStatus.CREATED.value,
    sessions.c.dispatch_id.is_(None),
    sessions.c.room_sid.is_(None),
    sessions.c.claim_holder.is_(None),
    sessions.c.claim_uncertain.is_(False),
)
_COUNTS: Final[Sequence[Label[Any]]] = (
    func.count().label("live"), func.count(case((_IS_UNUSED, 1))).label("unused"),
)  # fmt: skip
LIVE_AND_UNUSED_OF: Final = select(*_COUNTS).where(
    sessions.c.tenant == bindparam("wanted"), SESSION_IS_LIVE
)
# By the index of live rooms. The other columns may hold kilobytes.
LIVE_PAGE: Final = (
    select(
        sessions.c.id,
        sessions.c.room_name,
        sessions.c.room_sid,
        sessions.c.status,
        sessions.c.dispatch_id,
        sessions.c.claim_holder,
        sessions.c.claim_expires_at,
        sessions.c.claim_uncertain,
        sessions.c.created_at,
        sessions.c.dispatched_at,
        sessions.c.ended_at,
        sessions.c.retry_at,
        sessions.c.join_until,
        sessions.c.token_until,
        sessions.c.version,
    )
    .where(SESSION_IS_LIVE, sessions.c.room_name > bindparam("after"))
    .order_by(sessions.c.room_name)
    .limit(PAGE)
)
# By the index of ends that are pending. One that holds its room is announced after that.
ENDS_DUE: Final = (
    select(sessions)
    .where(
        SESSION_END_IS_PENDING,
        sessions.c.announce_at <= bindparam("now"),
        sessions.c.status == SessionStatus.ENDED.value,
    )
    .order_by(sessions.c.announce_at)
    .limit(bindparam("most", type_=Integer))
)
ADD: Final[Executable] = insert(sessions)
ADD_MANY: Final[Executable] = insert_rows(sessions)
ADD_ANNOUNCED: Final = WithCreated(sessions, EventKind.SESSION_CREATED, "session_id")
SAVE: Final[Executable] = update(sessions).where(
    sessions.c.id == bindparam("saved_id"), sessions.c.version == bindparam("read_version")
)

# What ended before then was created before then, which an index finds.
PRUNE_SESSIONS: Final[Executable] = delete_some(
    sessions,
    sessions.c.status.in_([SessionStatus.ENDED.value]),
    sessions.c.created_at < bindparam("before"),
    sessions.c.ended_at < bindparam("before"),
    # A token that is still valid opens the room, which its tenant keeps until then.
    or_(sessions.c.token_until.is_(None), sessions.c.token_until < bindparam("before")),
)
PRUNE_UNUSED: Final[Executable] = delete_some(
    sessions,
    SESSION_WAS_UNUSED,
    sessions.c.join_until < bindparam("before"),
    sessions.c.ended_at < bindparam("before"),
)
