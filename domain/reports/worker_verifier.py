"""The port that verifies workers."""

from __future__ import annotations

from typing import Protocol


class WorkerVerifier(Protocol):
    """Verifies the JWT that an agent worker sends with what it reports."""

    def verify(self, authorization: str | None) -> None:
        """Return if ``authorization`` permits to write observability data.

        Raises :class:`~domain.shared.report_errors.WorkerUnknown` or
        :class:`~domain.shared.report_errors.ObservabilityNotGranted`.
        """
        ...

    def is_worker(self, authorization: str | None) -> bool:
        """Return whether it does."""
        ...
