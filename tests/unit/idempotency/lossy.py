"""Answers that are lost, as where the process is killed before it has stored them."""

from __future__ import annotations

from typing import Any

from adapters.memory.idempotency import MemoryIdempotency
from domain.shared.errors import StorageUnavailable


class LossyIdempotency(MemoryIdempotency):
    """Loses what is answered while ``is_down``."""

    is_down = False

    async def finish(self, *arguments: Any) -> None:
        if self.is_down:
            raise StorageUnavailable("down")
        await super().finish(*arguments)
