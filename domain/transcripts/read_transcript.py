"""Read the transcript of a session or a call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import attrs

from domain.access.access import Access
from domain.calls.call import Call
from domain.calls.read_calls import ReadCalls
from domain.calls.repository import CallFilter
from domain.sessions.read_sessions import ReadSessions
from domain.shared.identifiers import CallId, SessionId
from domain.shared.pagination import MAX_LIMIT
from domain.transcripts.item import TranscriptItem
from domain.transcripts.repository import TranscriptReader

Slices = AsyncIterator[Sequence[TranscriptItem]]


@attrs.frozen(kw_only=True)
class Transcript:
    """A transcript: ``slices`` yields its items in order, some at a time, once.

    ``began_at`` is when the session, or the call, began: the time from which captions count.
    ``has_ended``: the session, or the call, is over. ``is_partial``: further items were said, and
    may never be known.
    """

    session_id: SessionId | None
    call_id: CallId | None
    began_at: datetime
    has_ended: bool
    is_partial: bool = False
    slices: Slices


@attrs.frozen
class ReadTranscript:
    """Reads the ledger only."""

    read_sessions: ReadSessions
    read_calls: ReadCalls
    reader: TranscriptReader

    async def of_session(self, session_id: str, access: Access) -> Transcript:
        """Return the transcript of a visible session. Raises ``NotFound``."""
        session = await self.read_sessions.by_id(session_id, access)
        return Transcript(
            session_id=session.id,
            call_id=None if session.phone is None else session.phone.call_id,
            began_at=session.created_at,
            has_ended=not session.is_live,
            is_partial=await self.reader.is_partial(session.id),
            slices=self.reader.of_session(session.id, access),
        )

    async def of_call(self, call_id: str, access: Access) -> Transcript:
        """Return the transcript of a visible call. Raises ``NotFound``.

        It has the items of the call's session; where the session has several calls, those of the
        time that this one lasted.
        """
        call = await self.read_calls.by_id(call_id, access)
        is_shared = await self._shares_its_session(call, access)
        session_id = call.session_id
        return Transcript(
            session_id=session_id,
            call_id=call.id,
            began_at=call.created_at,
            has_ended=not call.is_live,
            is_partial=session_id is not None and await self.reader.is_partial(session_id),
            slices=self._of_call(call, access, is_shared=is_shared),
        )

    async def _of_call(self, call: Call, access: Access, *, is_shared: bool) -> Slices:
        if call.session_id is None:
            return
        async for items in self.reader.of_session(call.session_id, access):
            theirs = [item for item in items if not is_shared or _is_within(item, call)]
            if theirs:
                yield theirs

    async def _shares_its_session(self, call: Call, access: Access) -> bool:
        """Return whether another call of the room has the same session."""
        in_room = CallFilter(room_name=call.parties.room_name)
        others = (await self.read_calls.page(in_room, access, limit=MAX_LIMIT)).items
        return any(other.id != call.id and other.session_id == call.session_id for other in others)


def _is_within(item: TranscriptItem, call: Call) -> bool:
    at = item.created_at
    if at is None:
        return False
    return call.created_at <= at and (call.ended_at is None or at <= call.ended_at)
