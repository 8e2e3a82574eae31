"""The base of what capabilities keep in memory, over which the roots iterate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Protocol, TypeVar

from domain.privacy.data_subject import DataSubject

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

Mentions = Mapping[Any, bool]
"""The keys of records, each with whether the record has not ended."""


class Ending(Protocol):
    """A record that ends."""

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it lives."""
        ...


Record = TypeVar("Record", bound=Ending)


def ended_before(records: Iterable[Record], before: datetime) -> list[Record]:
    """Return the records that ended before then."""
    return [
        record for record in records if record.ended_at is not None and record.ended_at < before
    ]


class Capability:
    """Records of one capability. It overrides the methods that concern it.

    ``counted_as`` is the field of :class:`~domain.privacy.personal_data.PersonalDataCounts` for
    records with personal data; ``quotes_ids``: they may contain the ids of other records.
    """

    counted_as: ClassVar[str] = ""
    quotes_ids: ClassVar[bool] = False

    def statistics(self) -> Mapping[str, Any]:
        """Return fields of :class:`~domain.operations.ledger_stats.LedgerStats`."""
        return {}

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """Return the records that mention ``person`` or quote one of ``ids``."""
        return {}

    def erase(self, keys: Collection[Any]) -> None:
        """Delete the records with keys that :meth:`mentions` has returned."""

    def free(self, prefix: str) -> None:
        """Free what is held under a name that begins with ``prefix``."""
