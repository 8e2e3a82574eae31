"""GET /events"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from litestar import Controller, Response, Router, get
from litestar.openapi import ResponseSpec
from litestar.types import Scope as AsgiScope

from application.streaming.change_watch import ChangeWatch
from application.streaming.event_stream import EventStream
from application.streaming.listener import Listener
from application.streaming.listeners import HEARTBEAT
from domain.changes.change import readable_areas
from domain.events.event_access import READERS
from domain.events.event_filter import EventFilter
from domain.shared.errors import InvalidInput
from entrypoints.container import Container
from entrypoints.http.events.response import (
    MEDIA_TYPE,
    EventStreamResponse,
    Text,
    in_turn,
)
from entrypoints.http.events.schemas import (
    CallQuery,
    ChangesQuery,
    FollowQuery,
    LastIdHeader,
    LastIdQuery,
    SessionQuery,
    StreamedEvent,
    TypesQuery,
)
from entrypoints.http.middleware.access import access_of, credential_of
from entrypoints.http.middleware.cors import OTHER_PAGE
from entrypoints.http.middleware.overload import overload_of
from entrypoints.http.openapi.document import HIDDEN, KEYED, REFUSALS, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.routing import routes_of


def routes(container: Container) -> Router:
    """Return the route, with what it calls."""
    return routes_of(
        EventsController,
        _event_stream=container.event_stream,
        _change_watch=container.change_watch,
    )


class EventsController(Controller):
    """Stream domain events."""

    path = "/events"
    tags = ("events",)
    security = KEYED

    _event_stream: EventStream
    _change_watch: ChangeWatch

    @get(
        needs=READERS,
        hidden=True,
        operation_class=Operation,
        summary="Events as they happen (development, or with an API key)",
        media_type=MEDIA_TYPE,
        responses=errors(
            REFUSALS
            | {
                400: "A filter is malformed; `field` names it.",
                404: HIDDEN,
                429: "Too many requests in a minute, or too many streams at a time.",
                503: "The ledger is out of reach, or the process has no room for a stream.",
            }
        )
        | {
            200: ResponseSpec(
                StreamedEvent, description="Server-Sent Events.", media_type=MEDIA_TYPE,
                generate_examples=False,
            )
        },
    )  # fmt: skip
    async def events(  # noqa: PLR0913, PLR0917 - each filter is a parameter
        self,
        scope: AsgiScope,
        types: TypesQuery = None,
        session_id: SessionQuery = None,
        call_id: CallQuery = None,
        last_event_id: LastIdQuery = None,
        last_id_sent: LastIdHeader = None,
        follow: FollowQuery = None,
        changes: ChangesQuery = None,
    ) -> Response[Any]:
        """Server-Sent Events (`EventSource`): each has the event's `id`, its type as `event`, and the
        body that webhooks have as `data`. Filters are combined. A key gets the events of what its scopes
        read.

        A client that connects again sends `Last-Event-ID`, as browsers do, and misses nothing and gets
        nothing twice. If that event is no longer stored, the first event is `reset`: events were
        missed, so read what you show anew. Comments come every 15 seconds; a client that does not
        take its events for as long is disconnected.

        With `changes=true` a `changed` comes within about two seconds, and once a second at most, when something
        changes that has no event; its `data` is `{"areas": [...]}` with what the key may read anew:
        `deliveries` (attempts, redelivery), `inbox` (LiveKit's webhooks, and their processing), `participants`
        (of the key's sessions and calls), `api_keys` (their last use). No filter applies to it. None is kept for
        a client that was away: read what you show when the stream begins, and after a `reset`.
        """  # noqa: E501 - lines of the OpenAPI document
        # Other pages may not read agents and the like, by any route.
        access, is_other = access_of(scope), scope["state"].get(OTHER_PAGE, False)
        wanted = EventFilter.parse(access, types, session_id, call_id, resources=not is_other)
        last_id = last_id_sent or last_event_id or None
        overload, follows = overload_of(scope), _flag("follow", follow, default=True)
        hints = _flag("changes", changes, default=False)
        client = overload.client(scope)
        listener = await self._event_stream.listen(
            wanted, last_id, key=credential_of(scope), client=client, follows=follows
        )
        if hints and follows:
            self._change_watch.add(listener, readable_areas(access, resources=not is_other))
        return await _answer(self._event_stream, listener, partial(overload.lists.take, client))


async def _answer(
    stream: EventStream, listener: Listener, turn: Callable[[], AbstractAsyncContextManager[None]]
) -> EventStreamResponse:
    text: Text = partial(stream.next, listener)
    if listener.follows:
        # At once: proxies hold the headers back until there is more.
        return EventStreamResponse(stream, listener, HEARTBEAT, text)
    text = partial(in_turn, text, turn)
    try:
        first = await text()  # what it raises is an answer of its own
    except BaseException:
        stream.leave(listener)
        raise
    return EventStreamResponse(stream, listener, first, text)


def _flag(name: str, raw: str | None, *, default: bool) -> bool:
    if raw in (None, "", "true", "false"):
        return raw == "true" if raw else default
    raise InvalidInput(f"{name} must be true or false.", field=name, example=not default)
