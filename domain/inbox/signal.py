"""The port that wakes the inbox worker."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class InboxSignal(Protocol):
    """Connects the receivers of events to the worker that processes them, in one process."""

    def arrival(self) -> AbstractContextManager[object]:
        """A block in which an event is on its way into the inbox: those go first."""
        ...

    def ring(self) -> None:
        """There is an event to handle."""
        ...
