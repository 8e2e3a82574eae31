"""What was said, in dictionaries."""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Collection, MutableMapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count, islice
from typing import ClassVar

import attrs

from adapters.memory.capability import Capability, Mentions
from adapters.memory.reports import ReportTable
from adapters.memory.session_table import SessionTable
from adapters.memory.transcript_item import Kept, Owner
from domain.access.access import Access
from domain.privacy.data_subject import DataSubject
from domain.reports.report import Part
from domain.shared.errors import Conflict
from domain.shared.identifiers import ReportId, SessionId
from domain.shared.pagination import Cursor
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.policy import TranscriptPolicy
from domain.transcripts.repository import FoundItem, TranscriptSearch, number_in
from domain.transcripts.words import bounded_words, words_of

_PAGE = 200


@attrs.frozen(eq=False)
class TranscriptTable(Capability):
    """Items by their owner, a session or a report whose session is not known, and by their ids.

    It implements :class:`domain.transcripts.repository.TranscriptReader`.
    """

    counted_as: ClassVar[str] = "transcript_items"
    quotes_ids: ClassVar[bool] = True

    sessions: SessionTable
    reports: ReportTable
    policy: TranscriptPolicy
    by_owner: MutableMapping[Owner, dict[str, Kept]] = attrs.field(factory=dict)
    numbers: count[int] = attrs.field(factory=count)

    async def of_session(
        self, session_id: SessionId, access: Access
    ) -> AsyncIterator[Sequence[TranscriptItem]]:
        """Yield the session's visible items in the order of their times, some at a time."""
        kept = sorted(self.of(session_id), key=lambda each: each.order)
        visible = (each for each in kept if access.sees(each.reported.tenant))
        items = [each.item for each in visible if self.shows(each)]
        for begin in range(0, len(items), _PAGE):
            yield items[begin : begin + _PAGE]

    async def is_partial(self, session_id: SessionId) -> bool:
        """Return whether only some of a report's items are known, as it was cut short."""
        found = self.reports.of_session(session_id)
        return any(report.transcript is Part.PARTIAL for report in found)

    async def search(
        self, wanted: TranscriptSearch, after: Cursor | None, limit: int, access: Access
    ) -> Sequence[FoundItem]:
        """Return the newest ``limit`` visible items that are wanted, of those after ``after``."""
        kept = chain.from_iterable(map(self.of, self.by_owner))
        every = (each.found() for each in kept if self.shows(each))
        visible = (each for each in every if each is not None and access.sees(each.tenant))
        newest = sorted(visible, key=_place, reverse=True)
        if after is not None:
            last = after.created_at, number_in(after)
            newest = [each for each in newest if _place(each) < last]
        return list(islice((each for each in newest if _is_wanted(each, wanted)), limit))

    def of(self, owner: Owner) -> Collection[Kept]:
        """Return what it owns."""
        return self.by_owner.get(owner, {}).values()

    def shows(self, kept: Kept) -> bool:
        """Return whether an item's report is whole, and matched."""
        report = self.reports.by_id.get(kept.reported.report_id)
        return report is None or report.session_id is not None

    async def prune(self, before: datetime) -> int:
        """Delete the items that were stored before then; how many they were."""
        return self._remove(lambda each: each.kept_at < before)

    def prune_reports(self, reports: Collection[ReportId]) -> None:
        """Delete what these reports brought."""
        self._remove(lambda each: each.reported.report_id in reports)

    def prune_orphans(self) -> None:
        """Delete the items of sessions that were deleted."""
        self._remove(
            lambda each: (
                each.reported.session_id is not None
                and each.reported.session_id not in self.sessions.by_id
            )
        )

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:
        """The items that mention ``person``, or are of a session or call that does."""
        return {
            (owner, item_id): False
            for owner, items in self.by_owner.items()
            for item_id, each in items.items()
            if each.mentions(person, ids)
        }

    def erase(self, keys: Collection[tuple[Owner, str]]) -> None:
        """Delete items, and those whose session is deleted."""
        for owner, item_id in keys:
            self.by_owner[owner].pop(item_id, None)
        self.prune_orphans()

    def _remove(self, is_gone: Callable[[Kept], bool]) -> int:
        removed = 0
        for owner, items in [*self.by_owner.items()]:
            left = {item_id: each for item_id, each in items.items() if not is_gone(each)}
            removed += len(items) - len(left)
            if left:
                self.by_owner[owner] = left
            else:
                del self.by_owner[owner]
        return removed


def _place(found: FoundItem) -> tuple[datetime, int]:
    return found.created_at, found.number


def _is_wanted(found: FoundItem, wanted: TranscriptSearch) -> bool:
    words = bounded_words(word for text in found.item.texts for word in words_of(text))
    return (
        wanted.session_id in (None, found.session_id)
        and wanted.call_id in (None, found.call_id)
        and wanted.created.holds(found.created_at)
        and wanted.query.matches(words)
    )


class MemoryTranscripts:
    """Implements :class:`domain.transcripts.repository.Transcripts`."""

    def __init__(self, committed: TranscriptTable) -> None:
        self._committed = committed
        self.forget()

    def forget(self) -> None:
        """Drop the changes."""
        self._changes: list[Callable[[MutableMapping[Owner, dict[str, Kept]]], None]] = []

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes. Raises :class:`~domain.shared.errors.Conflict`."""
        layer: ChainMap[Owner, dict[str, Kept]] = ChainMap({}, self._committed.by_owner)
        for change in self._changes:
            change(layer)
        return partial(self._store, layer.maps[0])

    def _store(self, changed: MutableMapping[Owner, dict[str, Kept]]) -> None:
        for owner, items in changed.items():
            if items:
                self._committed.by_owner[owner] = items
            else:
                self._committed.by_owner.pop(owner, None)

    async def keep(self, reported: Reported, items: Sequence[TranscriptItem]) -> int:
        """Store the items of a report at commit; return how many are kept."""
        policy = self._committed.policy
        if policy.redactor is not None:  # it takes long
            items = await asyncio.to_thread(policy.kept, items)
        else:
            items = policy.kept(items)
        kept_at, numbers = datetime.now(UTC), self._committed.numbers
        kept = {item.id: Kept(item, reported, kept_at, next(numbers)) for item in items}
        if kept:
            self._changes.append(partial(self._keep, reported, kept))
        return len(kept)

    def _keep(
        self,
        reported: Reported,
        kept: dict[str, Kept],
        layer: MutableMapping[Owner, dict[str, Kept]],
    ) -> None:
        session_id = reported.session_id
        if session_id is not None and session_id not in self._committed.sessions.by_id:
            raise Conflict("The session of this report has been deleted.")
        owner: Owner = session_id or reported.report_id
        before = layer.get(owner, {})
        for item_id in kept.keys() & before.keys():
            if self._committed.shows(before[item_id]):
                shown = attrs.evolve(reported, report_id=before[item_id].reported.report_id)
                kept[item_id] = attrs.evolve(kept[item_id], reported=shown)
        unmatched = layer.get(reported.report_id, {})
        layer[reported.report_id] = {k: v for k, v in unmatched.items() if k not in kept}
        layer[owner] = {**before, **kept}

    async def match(self, reported: Reported) -> int:
        """Give a report's items to its session at commit; return how many they are."""
        if reported.session_id is None:
            return 0
        self._changes.append(partial(self._match, reported))
        owners: tuple[Owner, ...] = (reported.report_id, reported.session_id)
        items = chain.from_iterable(map(self._committed.of, owners))
        return sum(each.reported.report_id == reported.report_id for each in items)

    async def match_ahead(self, reported: Reported) -> bool:  # noqa: ARG002
        """Return False: nothing here takes long."""
        return False

    def _match(self, reported: Reported, layer: MutableMapping[Owner, dict[str, Kept]]) -> None:
        items = layer.get(reported.report_id, {})
        matched = {
            item_id: attrs.evolve(each, reported=reported) for item_id, each in items.items()
        }
        layer[reported.report_id] = {}
        session_id = reported.session_id
        assert session_id is not None  # noqa: S101 - `match` has looked
        left = layer.get(session_id, {})
        layer[session_id] = {k: v for k, v in left.items() if k not in matched}
        self._keep(reported, matched, layer)
