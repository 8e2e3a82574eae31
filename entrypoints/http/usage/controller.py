"""GET /sessions/{sessionId}/usage, GET /telephony/calls/{callId}/usage."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Router, get
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.usage.read_usage import ReadUsage
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.openapi.document import KEYED, read_responses
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests.fields import IdPath
from entrypoints.http.routing import routes_of
from entrypoints.presenters.usage import UsageResponse, usage_response

_OF_SESSION: Final = read_responses("There is no such session.")
_OF_CALL: Final = read_responses("There is no such call.")


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(UsageController, _read_usage=container.read_usage)


class UsageController(Controller):
    """Read what sessions have used."""

    tags = ("usage",)
    security = KEYED

    _read_usage: ReadUsage

    @get(
        "/sessions/{sessionId:str}/usage",
        needs=(Scope.SESSIONS_WRITE, Scope.CALLS_READ),
        hidden=True,
        operation_class=Operation,
        summary="What a session has used of models, and its cost (development, or with an API key)",
        responses=_OF_SESSION,
    )
    async def session_usage(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> UsageResponse:
        """As the session's workers have reported it; nothing before their first report."""
        return usage_response(await self._read_usage.by_session(sessionId, access_of(scope)))

    @get(
        "/telephony/calls/{callId:str}/usage",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=Operation,
        summary="What a call's session has used, and its cost (development, or with an API key)",
        responses=_OF_CALL,
    )
    async def call_usage(
        self,
        callId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> UsageResponse:
        """The usage of the call's session, which other calls may have been in, too."""
        return usage_response(await self._read_usage.by_call(callId, access_of(scope)))
