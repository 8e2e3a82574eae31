"""POST /livekit/tickets."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, Router, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.tickets.create_ticket import CreateTicketCommand
from domain.tickets.create_ticket_once import CreateTicketOnce
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.openapi.document import KEYED
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests.idempotency import IdempotencyKey, repeatable
from entrypoints.http.routing import routes_of
from entrypoints.http.tickets import documentation
from entrypoints.http.tickets.schemas import (
    CreateTicketRequest,
    CreateTicketResponse,
    repeated_response,
    stored_response,
    ticket_response,
)


def routes(container: Container) -> Router:
    """Return the route, with the use case that it calls."""
    return routes_of(TicketsController, _create_ticket_once=container.create_ticket_once)


class TicketsController(Controller):
    """Make tickets."""

    tags = ("sessions",)
    security = KEYED

    _create_ticket_once: CreateTicketOnce

    @post(
        "/livekit/tickets",
        needs=(Scope.SESSIONS_WRITE,),
        status_code=201,
        operation_class=Operation,
        summary="Make a ticket with which one user's browser fetches tokens",
        responses=documentation.CREATE_RESPONSES,
    )
    async def create_ticket(
        self,
        data: Annotated[CreateTicketRequest, documentation.CREATE_BODY],
        scope: AsgiScope,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[CreateTicketResponse]:
        """The browser sends it to `POST /livekit/token` as `Authorization: Bearer tk_…`.

        Nothing that the browser sends changes what the ticket fixes. Nothing begins before that.
        """
        command = CreateTicketCommand(
            user_identity=data.user_identity,
            room_name=data.room_name,
            agent=data.agent_id,
            agent_name=data.agent_name,
            variables=data.variables,
            agent_config=data.agent_config,
            token=data.token_request,
            ttl_seconds=data.ttl_seconds,
            max_sessions=data.max_sessions,
            access=access_of(scope),
        )
        once, replayed = self._create_ticket_once, False
        if idempotency_key is None:
            made = await once.create_ticket(command)
            response = ticket_response(made.ticket, made.text)
        else:
            done = await once(idempotency_key, command, stored_response)
            response, replayed = repeated_response(done.response, done.text), done.replayed
        return repeatable(response, replayed=replayed)
