"""What is kept of a transcript."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from domain.transcripts.item import TranscriptItem
from domain.transcripts.redaction import Redactor


@attrs.frozen(kw_only=True)
class TranscriptPolicy:
    """Keeps items or not (``is_enabled``), as they are or redacted.

    Storage applies it to everything that it is given, so that no way around it exists.
    """

    is_enabled: bool = True
    redactor: Redactor | None = None

    def kept(self, items: Sequence[TranscriptItem]) -> Sequence[TranscriptItem]:
        """Return the items as they may be stored."""
        if not self.is_enabled:
            return ()
        if self.redactor is None:
            return items
        return [self.redactor.item(item) for item in items]


KEEP_ALL = TranscriptPolicy()
