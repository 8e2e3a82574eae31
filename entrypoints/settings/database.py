"""The ledger's database, and the processes that share it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from application.settings import Storage
from entrypoints.settings import parsers
from entrypoints.settings.database_url import parse_database_url
from entrypoints.settings.variable import Problem, optional

_ONE_PROCESS: Final = {
    Storage.MEMORY: "DATABASE_URL=memory://: processes share no memory",
    Storage.SQLITE: (
        "an SQLite DATABASE_URL (the default): processes compete for the file's one writer, so "
        "that two start 0.87 times the sessions per second of one and store 0.54 times the webhooks"
    ),
}
"""The storage backends that one process serves on, and why, as ``problems`` says it."""


@attrs.frozen(kw_only=True, slots=False)
class DatabaseSettings:
    """The ledger's database, and the processes that share it."""

    database: tuple[Storage, str] = optional(
        "DATABASE_URL",
        parse_database_url,
        (Storage.SQLITE, "sqlite+aiosqlite:///data/backend.db"),
        secret=True,
    )
    workers: int = optional("WORKERS", parsers.whole(1, 64), 1)

    @property
    def storage(self) -> Storage:
        """The storage backend that DATABASE_URL selects."""
        return self.database[0]

    @property
    def database_url(self) -> str:
        """DATABASE_URL as the storage backend reads it; it may hold a password."""
        return self.database[1]

    @property
    def serves_alone(self) -> bool:
        """Whether no other process can serve on this ledger."""
        return self.storage in _ONE_PROCESS

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the combination of variables."""
        if self.workers > 1 and self.serves_alone:
            yield Problem(
                frozenset({"WORKERS", "DATABASE_URL"}),
                f"WORKERS must be 1 with {_ONE_PROCESS[self.storage]}. "
                "Set WORKERS=1, or DATABASE_URL to a PostgreSQL database.",
            )
