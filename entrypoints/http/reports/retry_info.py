"""Errors after which a worker sends its report again.

livekit-agents 1.8.9 repeats a refused upload only if the body is a ``google.rpc.Status`` in
protobuf with a ``RetryInfo``, three times.
"""

from __future__ import annotations

import random
from http import HTTPStatus
from typing import Final

from cachetools import TTLCache
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from litestar import Response

from domain.shared.errors import DomainError, StorageUnavailable

MEDIA_TYPE: Final = "application/x-protobuf"
_SECONDS: Final = (1.0, 6.0, 10.0)
"""Until the second, third and last attempt: most outages are short, some are not."""
_SPREAD: Final = 2.0
"""Workers whose sessions ended at once do not come again at once."""
_LONGEST_MINUTES: Final = 20
"""An upload may take as long, four times."""


def is_temporary(error: DomainError) -> bool:
    """Return whether the same upload may succeed later."""
    return error.is_outage or error.retry_after is not None


class Refused:
    """Knows how often an upload was refused; all its attempts have the same JWT."""

    def __init__(self) -> None:
        self._refused: TTLCache[int, int] = TTLCache(10_000, ttl=_LONGEST_MINUTES * 60)

    def try_again(self, error: DomainError, authorization: str) -> Response[bytes]:
        """Return the answer to an attempt that failed for the time being."""
        upload = hash(authorization)
        number = self._refused.get(upload, 0)
        self._refused[upload] = number + 1
        least = _SECONDS[min(number, len(_SECONDS) - 1)]
        is_short = isinstance(error, StorageUnavailable)
        return _try_again(error, least if is_short else error.retry_after or 5)


def _try_again(error: DomainError, seconds: float) -> Response[bytes]:
    seconds += random.uniform(0, _SPREAD)  # noqa: S311 - no secret
    delay = Duration()
    delay.FromNanoseconds(round(seconds * 1e9))
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=delay))
    status = Status(code=Code.UNAVAILABLE, message=str(error), details=[detail])
    return Response(
        status.SerializeToString(),
        status_code=error.status if error.status >= 500 else HTTPStatus.SERVICE_UNAVAILABLE,
        media_type=MEDIA_TYPE,
        headers={"Retry-After": str(round(seconds) or 1)},
    )
