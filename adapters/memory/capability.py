"""What a capability keeps in memory, as the roots see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from domain.privacy.data_subject import DataSubject

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

Mentions = Mapping[Any, bool]
"""Keys of records, and whether each of these has not ended."""


class Capability:
    """A base for what is stored; a capability overrides the methods that concern it.

    ``counted_as`` is the field of :class:`~domain.privacy.personal_data.PersonalDataCounts` for
    records with personal data; ``quotes_ids`` says whether they may contain ids of others' records.
    """

    counted_as: ClassVar[str] = ""
    quotes_ids: ClassVar[bool] = False

    def statistics(self) -> Mapping[str, Any]:
        """Return fields of :class:`~domain.operations.ledger_stats.LedgerStats`."""
        return {}

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """Return what mentions ``person`` or, where it quotes ids, one of ``ids``."""
        return {}

    def erase(self, keys: Collection[Any]) -> None:
        """Delete the records with keys that :meth:`mentions` has returned."""

    def free(self, prefix: str) -> None:
        """Free what is held by holders whose names begin with ``prefix``."""
