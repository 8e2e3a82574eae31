"""The errors of calls to LiveKit."""

from __future__ import annotations

from domain.shared.errors import DomainError


class LiveKitError(DomainError):
    """LiveKit did not do what it was asked."""

    code = "livekit_error"
    status = 502


class LiveKitRefused(LiveKitError):
    """LiveKit answered with a refusal (4xx): certainly nothing happened."""

    code = "livekit_refused"


class LiveKitRefusesAll(LiveKitRefused):
    """LiveKit refuses every request now: the credentials are wrong, or there were too many."""

    is_outage = True


class LiveKitWithoutSip(LiveKitRefused):
    """The LiveKit server has no SIP, which it serves only with Redis."""

    code = "livekit_without_sip"


class LiveKitWithoutEgress(LiveKitRefused):
    """The LiveKit server has no egress service that takes the request."""

    code = "livekit_without_egress"


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
