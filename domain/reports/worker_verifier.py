"""The port that verifies workers."""

from __future__ import annotations

from typing import Final, Protocol

from domain.access.access import Access, Scope

OF_WORKERS: Final = Access(scopes=frozenset({Scope.ADMIN}))
"""Of routes that take a worker's JWT, which is signed with the secret that opens every room."""


class WorkerVerifier(Protocol):
    """Verifies the JWT that an agent worker sends with what it reports."""

    def verify(self, authorization: str | None) -> None:
        """Return if ``authorization`` permits to write observability data.

        Raises :class:`~domain.shared.report_errors.WorkerUnknown` or
        :class:`~domain.shared.report_errors.ObservabilityNotGranted`.
        """
        ...

    def access(self, authorization: str | None) -> Access | None:
        """Return the access of a worker, which is :data:`OF_WORKERS`; None if it is none."""
        ...
