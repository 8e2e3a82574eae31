"""Errors → JSON: ``{"error", "code", "requestId", …}`` with the status that the contract gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from domain.errors import (
    DomainError,
    InvalidInput,
    LiveKitError,
    MetadataTooLarge,
    NotFound,
    SessionBusy,
    SessionEnded,
    StorageUnavailable,
)
from domain.identifiers import Identity, RoomName
from entrypoints.http.json_request import MAX_BODY_BYTES, MalformedJson, UnsupportedMediaType
from entrypoints.http.request_id import request_id

log = structlog.get_logger()

STATUS: Final[Mapping[type[DomainError], HTTPStatus]] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    SessionBusy: HTTPStatus.CONFLICT,
    SessionEnded: HTTPStatus.CONFLICT,
    MetadataTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    LiveKitError: HTTPStatus.BAD_GATEWAY,
    StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
RETRY_AFTER_SECONDS: Final[Mapping[HTTPStatus, int]] = {
    HTTPStatus.CONFLICT: 2,
    HTTPStatus.SERVICE_UNAVAILABLE: 5,
}

EXAMPLES: Final[Mapping[str, object]] = {
    Identity.field: Identity.example,
    RoomName.field: RoomName.example,
    "agentConfig": {"prompt": "You are a friendly receptionist.", "greeting": "Hello!"},
}
_MISSING: Final = re.compile(r"missing required field `(\w+)`")
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`, got")
_TYPES: Final[Mapping[str, str]] = {"str": "a string", "object": "an object", "bool": "a boolean"}

AnyRequest = Request[Any, Any, Any]


def answer(
    request: AnyRequest,
    status: int,
    code: str,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
    **details: object,
) -> Response[dict[str, object]]:
    """An error answer."""
    content = {"error": message, "code": code, "requestId": request_id(request.scope), **details}
    return Response(content, status_code=status, media_type=MediaType.JSON, headers=headers)


def on_domain_error(request: AnyRequest, error: DomainError) -> Response[dict[str, object]]:
    """An expected failure of a use case."""
    status = next(
        (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning(
            "request failed",
            request_id=request_id(request.scope),
            path=request.url.path,
            code=error.code,
            reason=str(error),
        )
    wait = RETRY_AFTER_SECONDS.get(status)
    headers = {"Retry-After": str(wait)} if wait else None
    return answer(request, status, error.code, str(error), headers=headers, **error.details)


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[dict[str, object]]:
    """What the framework refuses before a use case is reached."""
    method, path = request.method, request.url.path
    match error:
        case NotFoundException():
            text = f"There is nothing at {path}; GET / lists the routes."
            return answer(request, 404, "not_found", text)
        case MethodNotAllowedException():
            allow = (error.headers or {}).get("allow", "")
            text = f"{path} does not take {method}; it takes {allow}."
            return answer(request, 405, "method_not_allowed", text, headers={"Allow": allow})
        case UnsupportedMediaType():
            return answer(
                request, 415, "unsupported_media_type", error.detail, example="application/json"
            )
        case MalformedJson():
            return answer(request, 400, "malformed_json", error.detail)
        case ValidationException():
            return _wrong_shape(request, error)
        case HTTPException(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
            text = f"The request body is larger than {MAX_BODY_BYTES} bytes."
            return answer(request, 413, "body_too_large", text, limitBytes=MAX_BODY_BYTES)
        case HTTPException(status_code=status) if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return answer(request, status, "bad_request", error.detail)
        case _:
            return on_unexpected_error(request, error)


def _wrong_shape(request: AnyRequest, error: ValidationException) -> Response[dict[str, object]]:
    """The first of msgspec's complaints, in the words of this API."""
    complaints = error.extra if isinstance(error.extra, list) else []
    complaint = complaints[0] if complaints else {}
    text, field = str(complaint.get("message", "")), str(complaint.get("key", ""))
    if missing := _MISSING.search(text):
        field, text = missing[1], f"{missing[1]} is required."
    elif expected := _EXPECTED.search(text):
        wanted = " or ".join(_TYPES.get(kind, kind) for kind in expected[1].split(" | "))
        text = f"{field or 'The body'} must be {wanted}."
    if field in ("data", "body", ""):
        return answer(request, 400, "validation_failed", "The body must be a JSON object.")
    if field not in EXAMPLES:
        return answer(request, 400, "validation_failed", text, field=field)
    return answer(
        request, 400, "validation_failed", text, field=field, example=EXAMPLES[field]
    )


def on_unexpected_error(request: AnyRequest, error: Exception) -> Response[dict[str, object]]:
    """A defect of ours: logged whole, told without detail."""
    log.error("unexpected error", request_id=request_id(request.scope), exc_info=error)
    return answer(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something went wrong here, not on your side; the log has the details by requestId.",
    )
