"""The ports to stored transcripts."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import attrs

from domain.access.access import Access
from domain.calls.repository import CallWork
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, SessionId
from domain.shared.pagination import Span
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.search_query import SearchQuery

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_POSITION: Final = re.compile(r"(\d{1,15})\.(\d{1,19})", re.ASCII)
_LARGEST: Final = 2**63 - 1


class Transcripts(Protocol):
    """What a unit of work changes. Each method raises ``StorageUnavailable``."""

    async def keep(self, reported: Reported, items: Sequence[TranscriptItem]) -> int:
        """Store the items of a report at commit; return how many are kept.

        That is as the service's :class:`~domain.transcripts.policy.TranscriptPolicy` wants it: none
        where transcripts are switched off. An item whose id the session has already, from whichever
        report, is replaced. Nobody sees the items of a report that is not matched.
        """
        ...

    async def match(self, reported: Reported) -> int:
        """Give a report's items, at commit, to the session, call and tenant that are known now.

        Returns how many items the report has. They replace items of the session with the same ids.
        Nothing happens to a report that was matched before, or has no session.
        """
        ...


class TranscriptWork(CallWork, Protocol):
    """A unit of work with transcripts."""

    @property
    def transcripts(self) -> Transcripts:
        """Transcripts, as this unit changes them."""
        ...


@attrs.frozen
class SearchPosition:
    """A place among results, which are sorted by time and, within a millisecond, by ``number``."""

    created_at: datetime
    number: int

    @property
    def cursor(self) -> str:
        """Return the text that callers get, which is opaque to them."""
        milliseconds = (self.created_at - _EPOCH) // timedelta(milliseconds=1)
        text = f"{milliseconds}.{self.number}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> SearchPosition:
        """Return the position that :attr:`cursor` wrote. Raises :class:`InvalidInput`."""
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
            parts = _POSITION.fullmatch(text)
            if parts is None or int(parts[2]) > _LARGEST:
                raise ValueError(text)
            return cls(_EPOCH + timedelta(milliseconds=int(parts[1])), int(parts[2]))
        except (ValueError, OverflowError, binascii.Error):
            raise InvalidInput(
                "cursor must be the nextCursor of the page before.", field="cursor"
            ) from None


@attrs.frozen(kw_only=True)
class TranscriptSearch:
    """What is looked for, and where: in every visible transcript, or in one session's or call's."""

    query: SearchQuery
    session_id: SessionId | None = None
    call_id: CallId | None = None
    created: Span = Span()


@attrs.frozen(kw_only=True)
class FoundItem:
    """An item that a search found; ``position`` is its place in the results."""

    item: TranscriptItem
    session_id: SessionId
    call_id: CallId | None
    tenant: str | None
    position: SearchPosition


class TranscriptReader(Protocol):
    """Reads what is committed. Each method raises ``StorageUnavailable``."""

    def of_session(
        self, session_id: SessionId, access: Access
    ) -> AsyncIterator[Sequence[TranscriptItem]]:
        """Yield the session's visible items in the order of their times, some at a time."""
        ...

    async def search(
        self, wanted: TranscriptSearch, after: SearchPosition | None, limit: int, access: Access
    ) -> Sequence[FoundItem]:
        """Return the newest ``limit`` visible items that are wanted, of those after ``after``."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete the items that were stored before then; how many they were."""
        ...
