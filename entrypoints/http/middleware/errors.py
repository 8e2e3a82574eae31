"""Errors → JSON: ``{"error", "code", "requestId", …}`` with the status that the contract gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from domain.shared.errors import DomainError, Unauthenticated
from domain.shared.recording_errors import RangeNotSatisfiable
from entrypoints.http.middleware.request_id import request_id
from entrypoints.http.middleware.request_log import ids
from entrypoints.http.requests.content_coding import CorruptBody, UnsupportedCoding
from entrypoints.http.requests.fields import example_of
from entrypoints.http.requests.json_request import (
    MalformedJson,
    Overloaded,
    SlowBody,
    UnsupportedMediaType,
)
from entrypoints.http.requests.json_shape import LongNumber, TooManyValues

log = structlog.get_logger()

_OVERLOAD_RETRY_AFTER_SECONDS: Final = 5

_CODES: Final[Mapping[type[HTTPException], str]] = {
    CorruptBody: "corrupt_body",
    MalformedJson: "malformed_json",
    TooManyValues: "body_too_large",
    LongNumber: "validation_failed",
}
_MISSING: Final = re.compile(r"missing required field `(\w+)`")
_UNKNOWN: Final = re.compile(r"contains unknown field `(.*)`", re.DOTALL)
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`, got")
_LONGEST_FIELD: Final = 128
"""Characters of an unknown field's name that an error repeats."""
_TYPES: Final[Mapping[str, str]] = {
    "str": "a string",
    "object": "an object",
    "bool": "a boolean",
    "array": "a list",
}

AnyRequest = Request[Any, Any, Any]


def answer(  # noqa: PLR0913 - what an answer is made of
    request: AnyRequest,
    status: int,
    code: str,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, object] | None = None,
) -> Response[dict[str, object]]:
    """An error answer."""
    content = {
        "error": message,
        "code": code,
        "requestId": request_id(request.scope),
        **(details or {}),
    }
    return Response(content, status_code=status, media_type=MediaType.JSON, headers=headers)


def on_domain_error(request: AnyRequest, error: DomainError) -> Response[dict[str, object]]:
    """An expected failure of a use case."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.is_logged:
        log.warning(
            "request failed",
            route=request.scope.get("path_template"),
            code=error.code,
            reason=str(error),
            **ids(request.scope),
        )
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 11.6.1
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"  # RFC 9110, 15.5.17
    return answer(
        request, error.status, error.code, str(error), headers=headers, details=error.details
    )


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[dict[str, object]]:
    """What the framework refuses before a use case is reached."""
    status = error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected_error(request, error)
    headers: dict[str, str] = {}
    details: dict[str, object] = {}
    match error:
        case NotFoundException():
            code, text = (
                "not_found",
                f"There is nothing at {request.scope['path']}; GET / lists the routes.",
            )
        case MethodNotAllowedException():
            headers = {"Allow": (error.headers or {}).get("allow", "")}
            code, text = "method_not_allowed", f"This path takes {headers['Allow']} only."
        case UnsupportedMediaType():
            code, text = "unsupported_media_type", error.detail
            details = {"example": error.wanted}
        case UnsupportedCoding():
            code, text = "unsupported_content_encoding", error.detail
            headers = {"Accept-Encoding": error.accepted}  # RFC 9110, 15.5.16
        case SlowBody():
            code, text = "request_timeout", error.detail
        case ValidationException():
            code = "validation_failed"
            text, details = _wrong_shape(request, error)
        case RequestEntityTooLarge():
            limit = request.route_handler.resolve_request_max_body_size()
            code, text = "body_too_large", f"The body is larger than {limit} bytes."
            details = {"limitBytes": limit}
        case _:
            code, text = _CODES.get(type(error), "bad_request"), error.detail
    return answer(request, status, code, text, headers=headers, details=details)


def on_overload(request: AnyRequest, error: Overloaded) -> Response[dict[str, object]]:
    """A body that was dropped for those of others."""
    headers = {"Retry-After": str(_OVERLOAD_RETRY_AFTER_SECONDS)}
    return answer(request, error.status_code, "overloaded", error.detail, headers=headers)


def _wrong_shape(request: AnyRequest, error: ValidationException) -> tuple[str, dict[str, object]]:
    """Return the first of msgspec's complaints in the words of this API, and its field."""
    complaints = error.extra if isinstance(error.extra, list) else []
    complaint = complaints[0] if complaints else {}
    text, field = str(complaint.get("message", "")), str(complaint.get("key", ""))
    if unknown := _UNKNOWN.search(text):
        field = unknown[1][:_LONGEST_FIELD]
        fields = msgspec.structs.fields(_body_type(request))
        names = ", ".join(known.encode_name for known in fields)
        return f"There is no field '{field}' here; the fields are {names}.", {"field": field}
    if missing := _MISSING.search(text):
        field, text = missing[1], f"{missing[1]} is required."
    elif expected := _EXPECTED.search(text):
        wanted = " or ".join(_TYPES.get(kind, kind) for kind in expected[1].split(" | "))
        text = f"{field} must be {wanted}."
    if field in ("data", ""):
        return "The body must be a JSON object.", {}
    body = _body_type(request)
    example = None if body is None else example_of(body, field)
    return text, {"field": field} if example is None else {"field": field, "example": example}


def _body_type(request: AnyRequest) -> Any:
    """Return the struct that the route takes as its body; None if it takes none."""
    body = request.route_handler.parsed_fn_signature.parameters.get("data")
    return None if body is None else body.annotation


def on_unexpected_error(request: AnyRequest, error: Exception) -> Response[dict[str, object]]:
    """Log a defect of this service; the response has no detail of it."""
    log.error("unexpected error", exc_info=error, **ids(request.scope))
    return answer(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something went wrong here, not on your side; the log has the details by requestId.",
    )
