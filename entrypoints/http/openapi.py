"""The OpenAPI document at /docs/openapi.json and Swagger UI at /docs, which needs no network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, Example, SecurityScheme
from litestar.response import File

from entrypoints.version import VERSION

DOCS: Final = "/docs"
ASSETS: Final = f"{DOCS}/assets"
_FILES: Final = {
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_ERROR: Final = {
    "error": "userIdentity must be 1 to 128 characters of A-Z, a-z, 0-9, '_' and '-'.",
    "code": "validation_failed",
    "requestId": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "field": "userIdentity",
    "example": "user-42",
}


class ErrorAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """Every error: a sentence to act on, a stable code, and the id to find it by in the log.

    Some errors have further fields, such as ``field`` and ``example`` for a wrong value.
    """

    error: str
    code: str
    request_id: str
    field: str | msgspec.UnsetType = msgspec.UNSET
    example: Any = msgspec.UNSET


def errors(descriptions: dict[int, str]) -> dict[int, ResponseSpec]:
    """What a route's documentation says of each error status it may answer."""
    return {
        status: ResponseSpec(
            ErrorAnswer,
            description=description,
            generate_examples=False,
            examples=[Example(summary="An error", value=_ERROR)],
        )
        for status, description in descriptions.items()
    }


KEYED: Final[list[dict[str, list[str]]]] = [{}, {"bearer": []}, {"apiKey": []}]
"""What a route needs that is not public: no key until there is one, then one of these."""

REFUSALS: Final = {
    401: "An API key is needed, or this one is unknown, expired or revoked.",
    403: "The API key lacks the scope; `scope` names it.",
}
"""What such a route may answer besides its own errors."""


def openapi_config() -> OpenAPIConfig:
    """How the document is made and where it is shown."""
    return OpenAPIConfig(
        title="backend-livekit",
        version=VERSION,
        description="Tokens, exactly one agent for each room, and a ledger of LiveKit sessions.",
        path=DOCS,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer"),
                "apiKey": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
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
