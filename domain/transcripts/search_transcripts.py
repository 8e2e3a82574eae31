"""Search what was said."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from domain.access.access import Access
from domain.shared.pagination import DEFAULT_LIMIT, Cursor
from domain.transcripts.excerpt import excerpt
from domain.transcripts.repository import (
    FoundItem,
    TranscriptReader,
    TranscriptSearch,
)


@attrs.frozen
class SearchResult:
    """An item, and the part of it that has what was looked for, marked."""

    found: FoundItem
    excerpt: str


@attrs.frozen
class SearchPage:
    """Some results, and where the next ones begin; None if these are the last."""

    results: Sequence[SearchResult]
    next: Cursor | None


@attrs.frozen
class SearchTranscripts:
    """Looks through every item that is visible."""

    reader: TranscriptReader

    async def __call__(
        self,
        wanted: TranscriptSearch,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> SearchPage:
        """Return a page of results, the newest first."""
        found = await self.reader.search(wanted, after, limit + 1, access)
        results = [
            SearchResult(each, excerpt(each.item.texts, wanted.query)) for each in found[:limit]
        ]
        is_last = len(found) <= limit
        return SearchPage(results, None if is_last else found[limit - 1].position)
