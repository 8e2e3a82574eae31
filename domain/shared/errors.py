"""What can go wrong, in the domain's words.

Every error a use case raises is a :class:`DomainError`. ``code`` is stable and part of the
HTTP contract; ``str(error)`` is a sentence that the caller can act on.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class DomainError(Exception):
    """An expected failure.

    ``details`` are further facts for the caller (for example ``field`` and ``example``), by the
    names that the HTTP contract gives them. ``is_outage`` means that a dependency was down: what
    failed may succeed unchanged once it is up.
    """

    code = "error"
    is_outage: ClassVar[bool] = False

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details = details


class InvalidInput(DomainError):
    """A value breaks a rule of the contract: ``field`` names it, ``example`` shows a good one."""

    code = "validation_failed"

    def __init__(self, message: str, *, field: str, **details: object) -> None:
        super().__init__(message, field=field, **details)


class MetadataTooLarge(DomainError):
    """The serialised dispatch metadata exceeds its limit."""

    code = "metadata_too_large"


class Unauthenticated(DomainError):
    """No API key was presented where one is needed, or one that opens nothing."""

    code = "invalid_api_key"


class Forbidden(DomainError):
    """The API key is good, but not for this."""

    code = "insufficient_scope"


class RateLimited(DomainError):
    """Too much was asked for; after ``retry_after`` seconds there is room again."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManySessions(RateLimited):
    """The tenant has as many live sessions as it may have."""

    code = "too_many_sessions"


class WebhookForged(DomainError):
    """A webhook that LiveKit did not sign, or that is not what it signed."""

    code = "invalid_signature"


class InvalidWebhook(DomainError):
    """What LiveKit's key has signed is not a webhook event."""

    code = "invalid_webhook"


class NotFound(DomainError):
    """No such session, call or room."""

    code = "not_found"


class RoomTaken(NotFound):
    """The room's name is in use by another tenant."""

    code = "room_unavailable"


class StillLive(DomainError):
    """What was to be erased is still going on."""

    code = "still_live"


class SessionBusy(DomainError):
    """Another request is still starting or ending this room's session."""

    code = "session_busy"


class SessionEnded(DomainError):
    """The session was ended while its agent was being dispatched."""

    code = "session_ended"


class AnsweredSessionEnded(SessionEnded):
    """What was answered to the first request with this key is over: a repetition can't help."""


class IdempotencyKeyReused(DomainError):
    """The key was used for another request."""

    code = "idempotency_key_reused"


class IdempotencyKeyInFlight(DomainError):
    """The first request with the key is still being carried out."""

    code = "idempotency_in_flight"


class IllegalTransition(DomainError):
    """A session was asked to make a move that its state does not allow."""

    code = "illegal_transition"


class ClaimHeld(DomainError):
    """The session's dispatch claim is held by another request whose lease has not expired."""

    code = "claim_held"


class Conflict(DomainError):
    """A write lost a race: the room already has a live session, or the row has changed since.

    Never reaches a caller: the use case reads again.
    """

    code = "conflict"


class LeftToOthers(DomainError):
    """A caller is in a room that another program's agent serves, so none of ours is dispatched."""

    code = "left_to_others"


class TooEarly(DomainError):
    """The request can be answered or carried out at ``due_at`` (UTC) or later."""

    code = "too_early"

    def __init__(self, message: str, due_at: datetime) -> None:
        super().__init__(message)
        self.due_at = due_at


class Unstorable(DomainError):
    """The storage refuses a value for what it is: too large, out of range, or not valid text.

    Nothing is stored, and a repetition fails as well.
    """

    code = "unstorable"


class StorageUnavailable(DomainError):
    """The ledger could not be read or written; a write may have got through all the same."""

    code = "storage_unavailable"
    is_outage = True


class Unreadable(StorageUnavailable):
    """One stored record cannot be read by this version of the service."""


class LiveKitError(DomainError):
    """LiveKit did not do what it was asked."""

    code = "livekit_error"


class LiveKitRefused(LiveKitError):
    """LiveKit answered with a refusal (4xx): certainly nothing happened."""

    code = "livekit_refused"


class LiveKitRefusesAll(LiveKitRefused):
    """LiveKit refuses every request now: the credentials are wrong, or there were too many."""

    is_outage = True


class LiveKitUnreachable(LiveKitError):
    """No connection to LiveKit could be made: certainly nothing happened."""

    code = "livekit_unreachable"
    is_outage = True


class LiveKitUncertain(LiveKitError):
    """The request was sent and its outcome is unknown (time-out, dropped connection, 5xx).

    ``timed_out`` marks a time-out, after which LiveKit may still be working on the request.
    """

    code = "livekit_unavailable"
    is_outage = True

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out
