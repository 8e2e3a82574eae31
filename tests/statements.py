"""Engines that share what they compile: each test has a ledger of its own, and so an engine.

A short test would otherwise spend half of its time on the text of statements, always the same.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any
from unittest import mock

import attrs
from sqlalchemy import Dialect, Engine, Executable

from adapters.sqlalchemy.engine.bulk_statements import compiled_change
from adapters.sqlalchemy.engine.compiled import Compiled

_Key = tuple[Any, ...]


@attrs.define
class _Statements(MutableMapping[_Key, Any]):
    """SQLAlchemy's cache, where dialects of one class are the same: each engine makes its own."""

    _found: dict[_Key, Any] = attrs.field(factory=dict, init=False)

    def __getitem__(self, key: _Key) -> Any:
        return self._found[_shared(key)]

    def __setitem__(self, key: _Key, compiled: Any) -> None:
        self._found[_shared(key)] = compiled

    def __delitem__(self, key: _Key) -> None:
        del self._found[_shared(key)]

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _shared(key: _Key) -> _Key:
    dialect, *others = key
    return (type(dialect), *others)


def share_statements() -> None:
    """Let every engine of this process use the statements that another has compiled."""
    statements, changes = _Statements(), dict[tuple[type[Dialect], Executable], Compiled]()

    def remembered(dialect: Dialect, change: Any) -> Compiled:
        key = type(dialect), change.statement
        if key not in changes:
            changes[key] = compiled_change(dialect, change)
        return changes[key]

    cache = property(lambda _engine: statements, lambda _engine, _own: None)
    mock.patch.object(Engine, "_compiled_cache", cache, create=True).start()
    mock.patch("adapters.sqlalchemy.engine.bulk.compiled_change", remembered).start()
