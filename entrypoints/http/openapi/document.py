"""The OpenAPI document at /docs/openapi.json and Swagger UI at /docs, which needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, Example, OpenAPI, SecurityScheme
from litestar.response import File

from entrypoints.http.openapi.operation import operation_id
from entrypoints.http.requests.json_request import MAX_BODY_BYTES
from entrypoints.version import VERSION

DOCS: Final = "/docs"
ASSETS: Final = f"{DOCS}/assets"
_FILES: Final = {
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_SHOWN: Final[Mapping[int, tuple[str, str, Mapping[str, object]]]] = {
    400: (
        "validation_failed",
        "userIdentity must be 1 to 128 characters of A-Z, a-z, 0-9, '_' and '-'. That is the rule "
        "of IDENTITY_CHARSET=contract; IDENTITY_CHARSET=any also takes e-mail addresses and any "
        "other name that LiveKit takes.",
        {"field": "userIdentity", "example": "user-42"},
    ),
    401: ("invalid_api_key", "This API key is unknown, expired or revoked.", {}),
    403: (
        "insufficient_scope",
        "This API key lacks the scope calls:read.",
        {"scope": "calls:read"},
    ),
    404: ("not_found", "There is nothing with this id.", {}),
    405: ("method_not_allowed", "This path takes GET only.", {}),
    409: ("session_busy", "The session in room 'support-7' is still being started.", {}),
    413: (
        "body_too_large",
        f"The body is larger than {MAX_BODY_BYTES} bytes.",
        {"limitBytes": MAX_BODY_BYTES},
    ),
    415: (
        "unsupported_media_type",
        "Send the body as JSON with the header 'Content-Type: application/json'.",
        {"example": "application/json"},
    ),
    422: ("idempotency_key_reused", "This Idempotency-Key was used for another request.", {}),
    429: ("rate_limited", "More than 6000 requests in a minute; wait for 12 seconds.", {}),
    502: (
        "livekit_unreachable",
        "LiveKit could not be reached; check LIVEKIT_URL and that the server is up.",
        {"agentDispatched": False},
    ),
    503: ("storage_unavailable", "The database cannot be reached.", {}),
}
"""An error of each status: its code, its sentence, and its other fields."""


class ErrorResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Every error: a sentence to act on, a stable code, and the id to find it by in the log.

    The other fields are there where they help: ``field`` and ``example`` for a wrong value,
    ``limitBytes`` for a body that is too large, ``scope`` for the one that an API key lacks,
    ``agentDispatched`` (always false) where LiveKit failed.
    """

    error: str
    code: str
    request_id: str
    field: str | msgspec.UnsetType = msgspec.UNSET
    example: Any = msgspec.UNSET
    limit_bytes: int | msgspec.UnsetType = msgspec.UNSET
    scope: str | msgspec.UnsetType = msgspec.UNSET
    agent_dispatched: bool | msgspec.UnsetType = msgspec.UNSET


def errors(
    descriptions: dict[int, str],
    shown: Mapping[int, tuple[str, str, Mapping[str, object]]] = _SHOWN,
) -> dict[int, ResponseSpec]:
    """What a route's documentation says of each error status it may answer.

    ``shown`` has other examples than those that most routes share: code, sentence, details.
    """
    examples = {**_SHOWN, **shown}
    return {
        status: ResponseSpec(
            ErrorResponse,
            description=description,
            generate_examples=False,
            examples=[_example(*examples[status])],
        )
        for status, description in (descriptions | _EVERYWHERE).items()
    }


def _example(code: str, sentence: str, details: Mapping[str, object]) -> Example:
    body = {"error": sentence, "code": code, "requestId": _REQUEST_ID, **details}
    return Example(summary="An error", value=body)


_EVERYWHERE: Final = {405: "This path does not take the method; `Allow` names those it takes."}
_REQUEST_ID: Final = "01a2074e-8b46-7010-b8f8-28073a54b3a7"

LIVEKIT_JWT: Final = "livekitJwt"
"""The security scheme of webhooks."""

KEYED: Final[list[dict[str, list[str]]]] = [{}, {"bearer": []}, {"apiKey": []}]
"""What a route needs that is not public: no key until there is one, then one of these."""

HIDDEN: Final = "In production nothing is here for who has no API key."
"""What 404 means on a list."""

REFUSALS: Final = {
    401: "An API key is needed, or this one is unknown, expired or revoked.",
    403: "The API key lacks the scope; `scope` names it.",
    429: "Too many requests in a minute, or too many live sessions.",
}
"""What such a route may answer besides its own errors."""

LIST_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "A filter is malformed; `field` names it.",
        404: HIDDEN,
        503: "The ledger is out of reach.",
    }
)
"""The errors of a list."""


def read_responses(missing: str) -> dict[int, ResponseSpec]:
    """Return the errors of a route that reads one record; ``missing`` describes the 404."""
    return errors(
        REFUSALS
        | {400: "The request is malformed.", 404: missing, 503: "The ledger is out of reach."}
    )


@dataclass
class _Config(OpenAPIConfig):
    amendments: Mapping[str, Any] = field(default_factory=dict)

    def to_openapi_schema(self) -> OpenAPI:
        """Return the document's frame, which adds the amendments once it is whole."""
        amendments = self.amendments

        @dataclass
        class Amended(OpenAPI):
            def to_schema(self) -> dict[str, Any]:
                document: dict[str, Any] = super().to_schema()
                _merge(document["components"]["schemas"], amendments)
                return document

        frame = super().to_openapi_schema()
        return Amended(**{each.name: getattr(frame, each.name) for each in fields(frame)})


def _merge(schema: dict[str, Any], amendments: Mapping[str, Any]) -> None:
    for key, value in amendments.items():
        if isinstance(schema.get(key), dict) and isinstance(value, Mapping):
            _merge(schema[key], value)
        else:
            schema[key] = value


def openapi_config(amendments: Mapping[str, Any]) -> OpenAPIConfig:
    """How the document is made and where it is shown.

    Args:
        amendments: What is merged into the component schemas, by their names: keywords that depend
            on the settings or that no type of Python has.
    """
    return _Config(
        amendments=amendments,
        title="backend-livekit",
        version=VERSION,
        description="Tokens, exactly one agent for each room, and a ledger of LiveKit sessions.",
        path=DOCS,
        operation_id_creator=operation_id,
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer"),
                "apiKey": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
                ),
                LIVEKIT_JWT: SecurityScheme(
                    type="apiKey",
                    name="Authorization",
                    security_scheme_in="header",
                    description="A JWT of LiveKit's, bare or after `Bearer `, that vouches for "
                    "the body: https://docs.livekit.io/home/server/webhooks/",
                ),
            }
        ),
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                js_url=f"{ASSETS}/swagger-ui-bundle.js",
                css_url=f"{ASSETS}/swagger-ui.css",
                standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
                favicon=f'<link rel="icon" type="image/png" href="{ASSETS}/favicon-32x32.png">',
            )
        ],
    )


@get(
    f"{ASSETS}/{{name:str}}",
    include_in_schema=False,
    cache_control=CacheControlHeader(max_age=86400),
)
async def swagger_asset(name: str) -> File:
    """A file of Swagger UI, out of the wheel that carries it."""
    # The package is found but not imported: importing it costs a template engine.
    package = find_spec("swagger_ui")
    if name not in _FILES or package is None or package.origin is None:
        raise NotFoundException
    return File(
        Path(package.origin).parent / "static" / name,
        content_disposition_type="inline",
        media_type=_FILES[name],
    )
