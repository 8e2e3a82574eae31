"""Errors after which a worker sends its report again.

livekit-agents 1.8.9 repeats a refused upload only if the body is a ``google.rpc.Status`` in
protobuf with a ``RetryInfo``, three times.
"""

from __future__ import annotations

import random
from http import HTTPStatus
from typing import Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from litestar import Response

from domain.shared.errors import DomainError

MEDIA_TYPE: Final = "application/x-protobuf"
_SPREAD: Final = 2.0
"""Workers whose sessions ended at once do not come again at once."""


def is_temporary(error: DomainError) -> bool:
    """Return whether the same upload may succeed later."""
    return error.is_outage or error.retry_after is not None


def try_again(error: DomainError) -> Response[bytes]:
    """Return the answer to an upload that failed for the time being."""
    seconds = (error.retry_after or 5) + random.uniform(0, _SPREAD)  # noqa: S311 - no secret
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
