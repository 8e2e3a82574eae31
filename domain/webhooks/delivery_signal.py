"""The port that wakes the delivery worker of this process."""

from __future__ import annotations

from typing import Protocol


class DeliverySignal(Protocol):
    """Announces that there is something to deliver, so that the worker need not wait."""

    def wake(self) -> None:
        """Have the worker look now. It looks in any case within a second."""
        ...
