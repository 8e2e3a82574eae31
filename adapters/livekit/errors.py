"""livekit-api's and the transport's errors → the domain's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from google.protobuf.message import DecodeError
from livekit.api import ServerError

from adapters.livekit.http import Broken, NotConnected
from adapters.livekit.transport import Redirected, UnexpectedResponse
from domain.shared.livekit_errors import (
    LiveKitError,
    LiveKitRefused,
    LiveKitRefusesAll,
    LiveKitUncertain,
    LiveKitUnreachable,
    LiveKitWithoutSip,
)


@contextmanager
def livekit_errors() -> Iterator[None]:
    """Translate what a call to LiveKit raises within the block into a ``LiveKitError``.

    The messages are for the caller and carry no secret; ``__cause__`` is for the log, but not
    its text: a 401's body repeats the token.
    """
    try:
        yield
    except ServerError as error:
        raise _from_answer(error) from error
    except NotConnected as error:
        raise LiveKitUnreachable(
            "LiveKit could not be reached; check LIVEKIT_URL and that the server is up."
        ) from error
    except TimeoutError as error:
        raise LiveKitUncertain(
            "LiveKit did not answer in time; try again.", timed_out=True
        ) from error
    except Broken as error:
        raise LiveKitUncertain(
            "The connection to LiveKit broke before it had answered; try again."
        ) from error
    except Redirected as error:
        raise LiveKitRefused(
            f"The server at LIVEKIT_URL redirects to {error.target or 'another address'} "
            f"(HTTP {error.status}) instead of answering; set LIVEKIT_URL to the address that it "
            "redirects to."
        ) from error
    except UnexpectedResponse as error:
        raise LiveKitUncertain(
            f"The server at LIVEKIT_URL did not answer as LiveKit does ({error}); check that "
            "LIVEKIT_URL is a LiveKit server and that no proxy answers in its place."
        ) from error
    except DecodeError as error:
        raise LiveKitUncertain(
            "LiveKit's answer could not be understood; check that LIVEKIT_URL is a LiveKit server."
        ) from error


_NO_SIP = "sip not connected"
"""In the message of a 500: livekit-server 1.13.5 runs without Redis."""


def _from_answer(error: ServerError) -> LiveKitError:
    if _NO_SIP in error.message:
        return LiveKitWithoutSip(
            "The LiveKit server has no telephony: it runs without Redis. Add Redis to its "
            "configuration (redis.address) and run livekit/sip beside it."
        )
    if error.status in (401, 403):
        return LiveKitRefusesAll(
            "LiveKit did not accept the credentials; check LIVEKIT_API_KEY and LIVEKIT_API_SECRET."
        )
    if error.status == 429:
        return LiveKitRefusesAll("LiveKit takes no more requests at the moment; try again later.")
    # 408 is Twirp's deadline_exceeded and canceled: given up on halfway.
    if error.status == 408:
        return LiveKitUncertain("LiveKit ran out of time; try again.", timed_out=True)
    if 400 <= error.status < 500:
        # livekit-server puts this before most of its messages.
        reason = error.message.removeprefix("twirp error unknown: ") or f"HTTP {error.status}"
        return LiveKitRefused(f"LiveKit refused the request: {reason} ({error.code}).")
    return LiveKitUncertain(
        f"LiveKit could not do it now (HTTP {error.status}, {error.code}); try again."
    )
