"""A line in the log for each request, and its place in the figures."""

from __future__ import annotations

import re
import time
from typing import Any, Final

import attrs
import structlog
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from application.telemetry import Telemetry, Tracing
from entrypoints.http.request_id import request_id

log = structlog.get_logger()

NOTES: Final = "notes"
"""Where in a request's state a handler notes what it was about."""

_TRACE: Final = "backend.trace"
_CLIENT_WENT_AWAY: Final = 499
_PROBES: Final = frozenset({"/health", "/health/ready", "/metrics"})
_TRACEPARENT: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NO_TRACE: Final = b"0" * 32


@attrs.frozen
class RequestLog:
    """An ASGI application around ``app``, the outermost: what it measures is what callers see."""

    app: ASGIApp
    telemetry: Telemetry
    tracing: Tracing | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request and tell of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = _CLIENT_WENT_AWAY

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

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
            tell = log.debug if route in _PROBES and status == 200 else log.info
            tell("request", **_described(scope, route, status, seconds))


def _described(scope: HTTPScope, route: str, status: int, seconds: float) -> dict[str, Any]:
    state = scope.get("state", {})
    fields: dict[str, Any] = {
        "method": scope["method"],
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 2),
        "request_id": request_id(scope),
        **scope.get("path_params", {}),
        **state.get(NOTES, {}),
    }
    trace = trace_parent(scope)
    if trace is not None:
        fields["trace_id"] = trace.split("-")[1]
    return fields


def trace_parent(scope: Any) -> str | None:
    """The ``traceparent`` (https://www.w3.org/TR/trace-context/) of what goes on.

    That is our own span's where there is one, else the caller's if it has a valid one.
    """
    if _TRACE in scope:
        return str(scope[_TRACE])
    for name, value in scope["headers"]:
        if name == b"traceparent":
            found = _TRACEPARENT.fullmatch(value)
            if found and found[1] != _NO_TRACE and found[2] != b"0" * 16:
                return str(value.decode())
    return None


def note(scope: Scope, **fields: object) -> None:
    """Have the request's line say what it was about."""
    scope["state"].setdefault(NOTES, {}).update(fields)
