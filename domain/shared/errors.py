"""The errors that use cases raise.

Each is a :class:`DomainError` with a stable ``code``, which is part of the HTTP contract, and the
HTTP ``status`` of its answer. The modules ``*_errors`` beside this one have those of one subject;
``tests/golden/error_codes.txt`` lists all of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class DomainError(Exception):
    """An expected failure.

    ``str(error)`` is a sentence that the caller can act on. ``details`` are further fields of the
    error response (for example ``field`` and ``example``), by the names of the HTTP contract.
    ``is_refusal``: nothing was done, and nothing is under way; another request may be sent instead.
    ``is_outage``: a dependency was down, so the same request may succeed once it is up.
    ``retry_after``: seconds after which the same request may succeed; None: it fails again.
    ``is_logged``: log it although the fault is the caller's, who does not read the response.
    """

    code = "error"
    status: ClassVar[int] = 500
    is_refusal: ClassVar[bool] = False
    is_outage: ClassVar[bool] = False
    is_logged: ClassVar[bool] = False
    retry_after: int | None = None

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details = details


class InvalidInput(DomainError):
    """A value breaks a rule of the contract: ``field`` names it, ``example`` shows a good one."""

    code = "validation_failed"
    status = 400
    is_refusal = True

    def __init__(self, message: str, *, field: str, **details: object) -> None:
        super().__init__(message, field=field, **details)


class MetadataTooLarge(DomainError):
    """The serialised dispatch metadata exceeds its limit."""

    code = "metadata_too_large"
    status = 413
    is_refusal = True


class Unauthenticated(DomainError):
    """No API key was presented where one is needed, or one that opens nothing."""

    code = "invalid_api_key"
    status = 401


class Forbidden(DomainError):
    """The API key is good, but not for this."""

    code = "insufficient_scope"
    status = 403
    is_refusal = True


class OriginRefused(Forbidden):
    """The publishable key is good, but not for pages of this origin."""

    code = "origin_not_allowed"


class CrossSiteRequest(Forbidden):
    """A cookie alone authenticates nothing that changes something."""

    code = "cross_site_request"


class RateLimited(DomainError):
    """Too much was asked for; after ``retry_after`` seconds there is room again."""

    code = "rate_limited"
    status = 429
    retry_after: int

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManySessions(RateLimited):
    """The tenant has as many live sessions as it may have."""

    code = "too_many_sessions"


class WebhookForged(DomainError):
    """A webhook that LiveKit did not sign, or that is not what it signed."""

    code = "invalid_signature"
    status = 401


class InvalidWebhook(DomainError):
    """What LiveKit's key has signed is not a webhook event."""

    code = "invalid_webhook"
    status = 400
    is_logged = True


class NotFound(DomainError):
    """No such session, call or room."""

    code = "not_found"
    status = 404
    is_refusal = True


class RoomTaken(NotFound):
    """The room's name is in use by another tenant."""

    code = "room_unavailable"


class AlreadyExists(DomainError):
    """What is to be created would conflict with something that exists."""

    code = "already_exists"
    status = 409
    is_refusal = True


class StillLive(DomainError):
    """What was to be erased is still going on."""

    code = "still_live"


class SessionBusy(DomainError):
    """Another request is still starting or ending this room's session."""

    code = "session_busy"
    status = 409
    retry_after = 2


class SessionEnded(DomainError):
    """The session was ended while its agent was being dispatched."""

    code = "session_ended"
    status = 409
    retry_after: int | None = 2


class AnsweredSessionEnded(SessionEnded):
    """The session that the request is about has ended: a repetition can't help."""

    retry_after = None


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
    """The storage refuses a value for good: it is too large, out of range, or not valid text."""

    code = "unstorable"
    status = 400
    is_logged = True


class StorageUnavailable(DomainError):
    """The ledger could not be read or written; a write may have got through all the same."""

    code = "storage_unavailable"
    status = 503
    retry_after = 5
    is_outage = True


class Unreadable(StorageUnavailable):
    """One stored record cannot be read by this version of the service."""
