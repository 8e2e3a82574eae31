"""An item of a transcript as it is stored in a dictionary."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import attrs
import msgspec

from domain.privacy.data_subject import DataSubject
from domain.shared.identifiers import ReportId, SessionId
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.repository import FoundItem

Owner = SessionId | ReportId


@attrs.frozen
class Kept:
    """A stored item; ``number`` makes its place among those of one millisecond."""

    item: TranscriptItem
    reported: Reported
    kept_at: datetime
    number: int

    @property
    def created_at(self) -> datetime:
        """When it was said or, where that is not known, stored; to the millisecond."""
        at = self.item.created_at or self.kept_at
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    @property
    def order(self) -> tuple[datetime, int, int]:
        """Sorts the items of a session."""
        return self.created_at, self.item.position, self.number

    def mentions(self, person: DataSubject, ids: Collection[str]) -> bool:
        """Return whether it mentions the person, or its report, session or call is one of these."""
        whose = (self.reported.report_id, self.reported.session_id, self.reported.call_id)
        if any(each is not None and each.value in ids for each in whose):
            return True
        rest = msgspec.json.encode(
            [getattr(self.item, name) for name in ("name", "arguments", "output", "extra")]
        )
        return person.is_in(self.item.text) or person.is_in_answer(rest.decode())

    def found(self) -> FoundItem | None:
        """Return it as a search does; None while its session is not known."""
        if self.reported.session_id is None:
            return None
        return FoundItem(
            item=self.item,
            session_id=self.reported.session_id,
            call_id=self.reported.call_id,
            tenant=self.reported.tenant,
            created_at=self.created_at,
            number=self.number,
        )
