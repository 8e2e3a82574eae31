"""What every response has (its request's id, what is left of the limit), a line, and figures."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, Final

import attrs
import structlog
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from application.telemetry import Telemetry, Tracing
from entrypoints.http.middleware.limits import rate_limit_headers
from entrypoints.http.middleware.request_id import HEADER, request_id
from entrypoints.http.middleware.unread_body import CLOSE, must_close

log = structlog.get_logger()

NOTES: Final = "notes"
"""Where in a request's state a handler notes what it was about."""

_TRACE: Final = "backend.trace"
_CLIENT_WENT_AWAY: Final = 499
_PROBES: Final = frozenset({"/health", "/health/ready", "/metrics"})
_LONGEST: Final = 256
"""Characters of a value that are logged: a caller may send a room name of a megabyte."""

_TRACEPARENT: Final = re.compile(
    # Versions after 00 may append something; there is no version ff, and no id of zeros.
    rb"(?!ff|00.{53}-)[0-9a-f]{2}"
    rb"-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)


@attrs.frozen
class RequestLog:
    """An ASGI application around ``app``, the outermost: what it measures is what callers see."""

    app: ASGIApp
    telemetry: Telemetry
    tracing: Tracing | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request, add to its answer's headers, and tell of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = _CLIENT_WENT_AWAY

        # No coroutine of its own: that would be a tenth of a short request's time.
        def noting(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                closing = [CLOSE] if must_close(scope, message) else []
                message["headers"] = [
                    (HEADER, request_id(scope).encode()),
                    *rate_limit_headers(scope),
                    *closing,
                    *message.get("headers", ()),
                ]
            return send(message)

        try:
            if self.tracing is None:
                await self.app(scope, receive, noting)
            else:
                with self.tracing.request(scope["method"], trace_parent(scope)) as span:
                    scope[_TRACE] = self.tracing.current()
                    await self.app(scope, receive, noting)
                    span.answered(scope.get("path_template") or "unmatched", status)
        finally:
            seconds = time.perf_counter() - began
            route = scope.get("path_template") or "unmatched"
            self.telemetry.request(scope["method"], route, status, seconds)
            if route not in _PROBES or status != HTTPStatus.OK:
                log.info("request", **_described(scope, route, status, seconds))
            elif log.is_enabled_for(logging.DEBUG):
                log.debug("request", **_described(scope, route, status, seconds))


def _described(scope: HTTPScope, route: str, status: int, seconds: float) -> dict[str, Any]:
    state = scope.get("state", {})
    fields: dict[str, Any] = {
        "method": scope["method"],
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
    }
    for notes in (scope.get("path_params", {}), state.get(NOTES, {})):
        for name, value in notes.items():
            fields[name] = str(value)[:_LONGEST]
    return fields | ids(scope)


def ids(scope: Any) -> dict[str, str]:
    """What every line about a request has, by which they are found."""
    trace = trace_parent(scope)
    found = {"request_id": request_id(scope)}
    return found if trace is None else {**found, "trace_id": trace.split("-")[1]}


def trace_parent(scope: Any) -> str | None:
    """The ``traceparent`` (https://www.w3.org/TR/trace-context/) of what goes on.

    That is our own span's where there is one, else the caller's if it has sent one that is valid,
    in the words of version 00.
    """
    if _TRACE in scope:
        return str(scope[_TRACE])
    sent = [value for name, value in scope["headers"] if name == b"traceparent"]
    found = _TRACEPARENT.fullmatch(sent[0]) if len(sent) == 1 else None
    if found is None:
        return None
    trace, parent, flags = (part.decode() for part in found.groups())
    return f"00-{trace}-{parent}-{int(flags, 16) & 1:02x}"  # sampled, or not


def note(scope: Scope, **fields: object) -> None:
    """Have the request's line say what it was about."""
    scope["state"].setdefault(NOTES, {}).update(fields)
