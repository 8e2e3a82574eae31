"""POST /telephony/simulated-calls, on development servers."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Router, post
from litestar.types import Scope as AsgiScope

from application.settings import AppEnv
from domain.access.access import Scope
from domain.calls.simulate_call import SimulateCall, SimulateCallCommand
from entrypoints.container import Container
from entrypoints.http.calls import documentation
from entrypoints.http.calls.schemas import (
    SimulateCallRequest,
    SimulatedCallResponse,
    simulated_response,
)
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.routing import routes_of


def routes(container: Container) -> Router:
    """Return the route; in production there is none."""
    if container.settings().app_env is AppEnv.PRODUCTION:
        return Router("/", route_handlers=[])
    return routes_of(SimulatedCallsController, _simulate_call=container.simulate_call)


class SimulatedCallsController(Controller):
    """Let a program play the telephone of a call."""

    path = "/telephony/simulated-calls"
    tags = ("telephony",)
    security = KEYED
    opt = ADMINISTRATIVE

    _simulate_call: SimulateCall

    @post(
        needs=(Scope.ADMIN,),
        status_code=201,
        operation_class=Operation,
        summary="Simulate a phone call (development only)",
        responses=documentation.SIMULATE_RESPONSES,
    )
    async def simulate_call(
        self,
        data: Annotated[SimulateCallRequest, documentation.SIMULATE_BODY],
        scope: AsgiScope,
    ) -> SimulatedCallResponse:
        """Join `livekitUrl` with `participantToken` to ring, as LiveKit's SIP service does.

        Set the attribute `sip.callStatus` to `active` to answer, and disconnect to hang up.
        Webhooks, routing and the agent's dispatch happen as for a real call. In production there is
        no such route.
        """
        command = SimulateCallCommand(
            from_number=data.from_number,
            to_number=data.to_number,
            trunk_id=data.trunk_id,
            access=access_of(scope),
        )
        return simulated_response(self._simulate_call(command))
