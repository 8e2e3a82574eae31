"""Python runs this as it starts where this folder is on its path: the service has no outbox."""

from __future__ import annotations

from typing import Any

from adapters.sqlalchemy.storage import SqlStorage

_init = SqlStorage.__init__


def _without(self: SqlStorage, *arguments: Any, **options: Any) -> None:
    _init(self, *arguments, **(options | {"announcer": None}))


SqlStorage.__init__ = _without  # type: ignore[method-assign]
