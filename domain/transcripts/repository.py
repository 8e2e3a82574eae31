"""The ports to stored transcripts."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final, Protocol

import attrs

from domain.access.access import Access
from domain.calls.repository import CallWork
from domain.shared.identifiers import CallId, SessionId
from domain.shared.pagination import Cursor, Span
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.search_query import SearchQuery

_LARGEST_NUMBER: Final = 2**63 - 1


class Transcripts(Protocol):
    """What a unit of work changes. Each method raises ``StorageUnavailable``."""

    async def keep(self, reported: Reported, items: Sequence[TranscriptItem]) -> int:
        """Store the items of a report at commit; return how many are kept.

        That is as the service's :class:`~domain.transcripts.policy.TranscriptPolicy` wants it: none
        where transcripts are switched off. An item whose id the session has already, from whichever
        report, is replaced. No caller sees the items of a report that is not matched, but for those
        that replace visible ones.
        """
        ...

    async def match_ahead(self, reported: Reported) -> bool:
        """Give some of a report's items, at commit, to the session that it will be matched with.

        Returns False where :meth:`match` can give it all that are left, in a transaction that
        holds up no other for long. Those that replace items of the session are left to that.
        """
        ...

    async def match(self, reported: Reported) -> int:
        """Give a report's items, at commit, to the session, call and tenant that are known now.

        Returns how many items the report has. They replace items of the session with the same ids.
        Nothing changes for a report that was matched before, or has no session.
        """
        ...


class TranscriptWork(CallWork, Protocol):
    """A unit of work with transcripts."""

    @property
    def transcripts(self) -> Transcripts:
        """Transcripts, as this unit changes them."""
        ...


@attrs.frozen(kw_only=True)
class TranscriptSearch:
    """What is looked for, and where: in every visible transcript, or in one session's or call's."""

    query: SearchQuery
    session_id: SessionId | None = None
    call_id: CallId | None = None
    created: Span = Span()


@attrs.frozen(kw_only=True)
class FoundItem:
    """An item that a search found.

    Results are sorted by ``created_at``, which is when it was said or, where that is not known,
    stored, and within a millisecond by ``number``.
    """

    item: TranscriptItem
    session_id: SessionId
    call_id: CallId | None
    tenant: str | None
    created_at: datetime
    number: int

    @property
    def position(self) -> Cursor:
        """Return its place in the results."""
        return Cursor(self.created_at, str(uuid.UUID(int=self.number)))


def number_in(position: Cursor) -> int:
    """Return the ``number`` in a :attr:`FoundItem.position`, or of one that a caller made up."""
    return min(uuid.UUID(position.id).int, _LARGEST_NUMBER)


class TranscriptReader(Protocol):
    """Reads what is committed. Each method raises ``StorageUnavailable``."""

    def of_session(
        self, session_id: SessionId, access: Access
    ) -> AsyncIterator[Sequence[TranscriptItem]]:
        """Yield the session's visible items in the order of their times, some at a time."""
        ...

    async def is_partial(self, session_id: SessionId) -> bool:
        """Return whether only some of a report's items are known, as it was cut short."""
        ...

    async def search(
        self, wanted: TranscriptSearch, after: Cursor | None, limit: int, access: Access
    ) -> Sequence[FoundItem]:
        """Return the newest ``limit`` visible items that are wanted, of those after ``after``."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete the items that were stored before then; how many they were."""
        ...
