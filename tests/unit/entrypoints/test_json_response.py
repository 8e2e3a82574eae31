"""A response that is encoded in one step is the one that Litestar makes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from litestar import Litestar, Response, get
from litestar.testing import TestClient

from entrypoints.http.json_response import JsonResponse


class Thing(msgspec.Struct, rename="camel"):
    room_name: str
    others: dict[str, Any]


THING = Thing("réception", {"a": [1, None, True]})


def answers(
    response_class: type[Response[Any]], content: Any, kind: Any
) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of two responses of ``content``, the second with a header."""

    async def plain() -> Any:
        return content

    async def with_header() -> Any:
        return response_class(content, headers={"X-Thing": "1"})

    plain.__annotations__["return"] = kind
    with_header.__annotations__["return"] = Response[kind]
    handlers = [get("/plain", status_code=202)(plain), get("/with-header")(with_header)]
    app = Litestar(handlers, response_class=response_class, openapi_config=None)
    found = []
    with TestClient(app) as client:
        for path in ("/plain", "/with-header"):
            response = client.get(path)
            found.append((response.status_code, dict(response.headers), response.content))
    return found


@pytest.mark.parametrize(("content", "kind"), [(THING, Thing), ({"a": 1}, dict[str, int])])
def test_it_is_the_response_that_litestar_makes(content: Any, kind: Any) -> None:
    assert answers(JsonResponse, content, kind) == answers(Response, content, kind)
