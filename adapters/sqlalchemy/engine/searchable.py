"""The indexes by which a list is searched for beginnings.

They are in the order of bytes, which is that of code points, whatever the database's collation is.
:mod:`adapters.sqlalchemy.engine.prefix_pages` says how they are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
from sqlalchemy import ColumnElement, Index

from adapters.sqlalchemy.engine.listing import Listing


@attrs.frozen(eq=False)
class Searchable:
    """A listing whose rows are searched by the beginning of their names, numbers and ids."""

    listing: Listing
    is_live: ColumnElement[bool]
    names: Sequence[str]
    numbers: Sequence[str]

    @classmethod
    def of(
        cls,
        listing: Listing,
        is_live: ColumnElement[bool],
        *,
        names: Sequence[str],
        numbers: Sequence[str] = (),
    ) -> Self:
        """Add the indexes to the table; SQLite's other indexes are in the order of bytes, too.

        PostgreSQL writes a row's entry in each index anew with most changes of the row, so there
        they lack those that are live, which are few and have an index. They have the tenant, to
        leave out what is others' without a look at the table.
        """
        table = listing.table
        indexed = {next(iter(index.columns)).name for index in table.indexes}
        for name in (*names, *numbers):
            index = Index(
                f"ix_{table.name}_begins_{name}",
                *(table.c[name], table.c.created_at, table.c.id),
                postgresql_ops={name: "text_pattern_ops"},
                postgresql_include=["tenant"],
                postgresql_where=~is_live,
            )
            if name in indexed:
                index.ddl_if(dialect="postgresql")
        return cls(listing, is_live, names, numbers)
