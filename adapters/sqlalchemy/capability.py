"""The declaration of a capability's table, over which the roots iterate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from sqlalchemy import Column, ColumnElement, Label, Table, Update

from domain.operations.process import holders_of
from domain.privacy.data_subject import DataSubject

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

Mentions = Callable[[DataSubject, Any], bool]
"""Returns whether a column's value, which is not null, mentions a person."""

_MENTIONS: Final = "mentions"
_QUOTES_IDS: Final = "quotes_ids"


def personal(mentions: Mentions, *, quotes_ids: bool = False) -> dict[str, Any]:
    """Return the ``info`` of a column that may hold personal data.

    ``quotes_ids``: the text may contain the ids (UUIDs) of other records, and then concerns every
    person that one of these records mentions.
    """
    return {_MENTIONS: mentions, _QUOTES_IDS: quotes_ids}


@attrs.frozen(kw_only=True, eq=False)
class Capability:
    """One table, and what the roots need to know about it.

    ``statistics``: scalar subqueries, labelled with fields of
    :class:`~domain.operations.ledger_stats.LedgerStats`. ``counted_as``: the field of
    :class:`~domain.privacy.personal_data.PersonalDataCounts` for its rows, where a column is
    :func:`personal`; ``is_live``: which of them have not ended. ``free``: the statement that frees
    what a process holds in it, or, for None, what any process holds. ``is_probed``: whether
    requests write to it, so that readiness depends on it. ``mark``: makes the statement by which an
    erasure marks rows that are deleted later, because something outside of the database belongs to
    them; None: an erasure deletes rows.
    """

    table: Table
    statistics: Sequence[Label[Any]] = ()
    counted_as: str = ""
    is_live: ColumnElement[bool] | None = None
    free: Callable[[str | None], Update] | None = None
    is_probed: bool = False
    mark: Callable[[ColumnElement[bool]], Update] | None = None

    @property
    def personal_columns(self) -> Mapping[str, Mentions]:
        """Return the names of the columns that may mention a person, each with its test."""
        found = (column for column in self.table.columns if _MENTIONS in column.info)
        return {column.name: column.info[_MENTIONS] for column in found}

    @property
    def quoting_columns(self) -> Sequence[str]:
        """Return the names of the columns that may contain ids of other records."""
        return [column.name for column in self.table.columns if column.info.get(_QUOTES_IDS, False)]


def is_held(holder: Column[Any], process_id: str | None) -> ColumnElement[bool]:
    """Return the condition that the process holds a row or, for None, that any process does."""
    if process_id is None:
        return holder.is_not(None)
    return holder.startswith(holders_of(process_id), autoescape=True)
