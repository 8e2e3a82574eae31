"""What the OpenAPI document says of every operation: headers of answers, and where to go next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from litestar.handlers import HTTPRouteHandler
from litestar.openapi import spec
from litestar.openapi.spec import Link, OpenAPIHeader, OpenAPIResponse, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.types import Method


def operation_id(handler: HTTPRouteHandler, _method: Method, _path: object) -> str:
    """``start_session`` → ``startSession``: what links and generated clients call a route."""
    first, *others = handler.handler_name.split("_")
    return first + "".join(other.capitalize() for other in others)


_TEXT: Final = Schema(type=OpenAPIType.STRING)
_SECONDS: Final = Schema(type=OpenAPIType.INTEGER, minimum=1)
_REQUEST_ID: Final = OpenAPIHeader(
    schema=_TEXT, required=True, description="The `X-Request-Id` that was sent, or a new one."
)
_RETRY_AFTER: Final = OpenAPIHeader(
    schema=_SECONDS, description="Seconds to wait before the next attempt."
)
_ALLOW: Final = OpenAPIHeader(
    schema=_TEXT, required=True, description="The methods that this path takes."
)
_CHALLENGE: Final = OpenAPIHeader(
    schema=_TEXT, description="`Bearer` where an API key is wanted (RFC 9110, 11.6.1)."
)
_HEADERS: Final[Mapping[str, Mapping[str, OpenAPIHeader]]] = {
    "401": {"WWW-Authenticate": _CHALLENGE},
    "405": {"Allow": _ALLOW},
    "409": {"Retry-After": _RETRY_AFTER},
    "429": {"Retry-After": _RETRY_AFTER},
    "503": {"Retry-After": _RETRY_AFTER},
}


def to(operation_id: str, **parameters: str) -> Link:
    """Return a link to an operation, with what its parameters are."""
    return Link(operation_id=operation_id, parameters=dict(parameters))


def of_body(field: str) -> str:
    """Return the expression for a field of the response's body."""
    return f"$response.body#/{field}"


@dataclass
class Operation(spec.Operation):
    """An operation with the headers of its answers, its links, and parameters that may be blank."""

    LINKS: ClassVar[Mapping[str, Mapping[str, Link]]] = {}
    """By status and name: what a caller may do next."""

    def __post_init__(self) -> None:
        """Add what Litestar has no decorator's argument for."""
        for status, answer in (self.responses or {}).items():
            if isinstance(answer, OpenAPIResponse):
                known = {"X-Request-Id": _REQUEST_ID, **_HEADERS.get(status, {})}
                answer.headers = {**(answer.headers or {}), **known}
                answer.links = dict(self.LINKS.get(status, {})) or None
        for parameter in self.parameters or ():
            if isinstance(parameter, spec.Parameter) and parameter.param_in == "query":
                parameter.allow_empty_value = True


def linked(status: int, **links: Link) -> type[Operation]:
    """Return the class of an operation whose answer with ``status`` leads to others."""

    @dataclass
    class LinkedOperation(Operation):
        LINKS = {str(status): links}  # noqa: RUF012 - annotated in the base

    return LinkedOperation
