"""Rows as PostgreSQL's driver returns them."""

from __future__ import annotations

from typing import Any

import asyncpg


class Record(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes, as SQLAlchemy's are."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None
