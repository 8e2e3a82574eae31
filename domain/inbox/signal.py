"""Telling whoever handles events that there are some."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class InboxSignal(Protocol):
    """Between those who bring events and whoever handles them, within one process."""

    def arrival(self) -> AbstractContextManager[object]:
        """A block in which an event is on its way into the inbox: those go first."""
        ...

    def ring(self) -> None:
        """There is an event to handle."""
        ...
