"""Readiness of something the service depends on."""

from __future__ import annotations

from typing import Protocol


class Probe(Protocol):
    """Asks a dependency whether it would serve a request now, be it a change to store."""

    async def check(self) -> None:
        """Return if it would; raise a ``DomainError`` that says why not."""
        ...
