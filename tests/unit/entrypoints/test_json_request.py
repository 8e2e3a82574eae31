"""A request that was answered before its body came is let go of, so that granian closes it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
from litestar import Litestar, Request, Response, post
from litestar.exceptions import HTTPException

from entrypoints.http.middleware.overload import OVERLOAD, Overload
from entrypoints.http.requests import json_request
from entrypoints.http.requests.json_request import JsonRequest


@post("/")
async def handler(request: JsonRequest) -> None:
    await request.json()


def refuse(_: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    return Response(error.detail, status_code=error.status_code)


class Stalled:
    """The first byte of a large body; the others do not come."""

    def __init__(self) -> None:
        self._begun = False

    async def __call__(self) -> dict[str, Any]:
        if self._begun:
            await asyncio.Event().wait()
        self._begun = True
        return {"type": "http.request", "body": b"{", "more_body": True}


async def test_given_a_body_that_does_not_come_then_nothing_refers_to_the_request_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_request, "BODY_WITHIN_SECONDS", 0.01)
    app = Litestar([handler], request_class=JsonRequest, exception_handlers={HTTPException: refuse})
    app.state[OVERLOAD] = Overload(trusted_proxies=0)
    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"100000")],
        "client": ("192.0.2.1", 5), "server": ("192.0.2.2", 80), "state": {},
    }  # fmt: skip
    answered = list[Any]()

    async def send(message: Any) -> None:
        answered.append(message)

    receive: Any = Stalled()
    kept = weakref.ref(receive)
    gc.disable()  # which would come to it, some time
    try:
        await app(scope, receive, send)
        del receive
        scope.clear()
        for _ in range(10):  # what was cancelled ends
            await asyncio.sleep(0)

        assert answered[0]["status"] == 408
        assert kept() is None
    finally:
        gc.enable()
