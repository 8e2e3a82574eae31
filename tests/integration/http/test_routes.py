"""The list of routes that the tests of tenants are made from leaves nothing out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
from litestar import Litestar, Request, WebSocket, asgi, delete, get, put, websocket
from litestar.params import Body, HeaderParameter, PathParameter, QueryParameter

from tests.integration.http.routes import Route, routes_of

FACTS = {"roomName": "ann-room", "userIdentity": "ann", "callId": "call-1"}


class Told(msgspec.Struct, rename="camel", kw_only=True):
    user_identity: str
    room_name: str | None = None
    agent_config: dict[str, Any] | None = None


class ToldMore(Told):
    carrier_id: str | None = None


@websocket("/told")
async def socket(socket: WebSocket[Any, Any, Any]) -> None: ...


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Any, receive: Any, send: Any) -> None: ...


def route(handler: Callable[..., Any]) -> Route:
    [found] = routes_of(Litestar([handler], openapi_config=None))
    return found


@pytest.mark.parametrize("handler", [socket, mounted])
def test_a_route_of_another_kind_fails(handler: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="who asks for a key here"):
        route(handler)


def test_a_body_names_every_fact_that_its_fields_may() -> None:
    @put("/told")
    async def tell(data: Annotated[Told, Body()]) -> None: ...

    assert route(tell).body(FACTS) == {"userIdentity": "ann", "roomName": "ann-room"}


def test_a_field_of_which_it_is_not_known_what_to_send_fails() -> None:
    @put("/told")
    async def tell(data: Annotated[ToldMore, Body()]) -> None: ...

    with pytest.raises(AssertionError, match="what is sent as carrierId"):
        route(tell).body(FACTS)


def test_a_body_of_which_nothing_is_known_fails_and_some_have_none() -> None:
    @put("/told")
    async def put_it(request: Request[Any, Any, Any]) -> None: ...

    @delete("/told/{callId:str}")
    async def delete_it(callId: Annotated[str, PathParameter()]) -> None: ...  # noqa: N803

    with pytest.raises(AssertionError, match="what is its body"):
        route(put_it).body(FACTS)
    assert route(delete_it).body(FACTS) is None
    assert route(delete_it).filled(FACTS) == "/told/call-1"


def test_whatever_a_query_may_have_is_a_filter() -> None:
    @get("/told/{callId:str}")
    async def tell(
        callId: Annotated[str, PathParameter()],  # noqa: N803
        etag: Annotated[str | None, HeaderParameter(name="If-None-Match")] = None,
        room_name: Annotated[str | None, QueryParameter(name="roomName")] = None,
        trunk: Annotated[str | None, QueryParameter()] = None,
    ) -> None: ...

    assert route(tell).filters == ["roomName", "trunk"]


def test_a_handler_that_reads_the_query_itself_may_filter_by_anything() -> None:
    @get("/told")
    async def tell(request: Request[Any, Any, Any]) -> None: ...

    assert route(tell).filters == ["request"]
