"""The errors of idempotency keys."""

from __future__ import annotations

from domain.shared.errors import DomainError


class IdempotencyKeyReused(DomainError):
    """The key was used for another request."""

    code = "idempotency_key_reused"
    status = 422


class IdempotencyKeyInFlight(DomainError):
    """The first request with the key is still being carried out."""

    code = "idempotency_in_flight"
    status = 409
    retry_after = 2
