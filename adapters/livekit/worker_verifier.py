"""The JWT that livekit-agents sends with observability data (read in livekit-agents 1.8.9)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from adapters.livekit.tokens import TokenFactory, TokenRefused
from adapters.livekit.webhook_verifier import token_in
from domain.access.access import Access
from domain.reports.worker_verifier import OF_WORKERS
from domain.shared.report_errors import ObservabilityNotGranted, WorkerUnknown


@attrs.frozen
class LiveKitWorkerVerifier:
    """Implements :class:`domain.reports.worker_verifier.WorkerVerifier`.

    The token is one of the API key's, with the claim ``observability: {"write": true}``.
    """

    tokens: TokenFactory

    def verify(self, authorization: str | None) -> None:
        """Return if ``authorization`` permits to write observability data."""
        if not authorization or authorization.isspace():
            raise WorkerUnknown("A worker sends LiveKit's JWT in the Authorization header.")
        try:
            claims = self.tokens.claims(token_in(authorization))
        except TokenRefused as error:
            raise WorkerUnknown(
                f"LiveKit's key did not sign this token: {error}. The worker's LIVEKIT_API_KEY and "
                "LIVEKIT_API_SECRET must be those of this service."
            ) from None
        grant = claims.get("observability")
        if not isinstance(grant, Mapping) or grant.get("write") is not True:
            raise ObservabilityNotGranted(
                "The token does not grant observability.write, as a worker's does."
            )

    def access(self, authorization: str | None) -> Access | None:
        """Return the access of a worker; None if ``authorization`` is none's."""
        try:
            self.verify(authorization)
        except (WorkerUnknown, ObservabilityNotGranted):
            return None
        return OF_WORKERS
