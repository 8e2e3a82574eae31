"""What requests for the stream have."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import HeaderParameter, QueryParameter

from domain.events.domain_event import EventKind
from entrypoints.http.requests.fields import query_parameter
from entrypoints.presenters.fields import Uuid

_ID = {"format": OpenAPIFormat.UUID}


class StreamedEvent(msgspec.Struct, kw_only=True):
    """An event of the stream: `data` is the body that webhooks have, as JSON.

    `event` is its type. `reset` and `changed` have no `id`.
    """

    id: Uuid | msgspec.UnsetType = msgspec.UNSET
    event: str
    data: str


TypesQuery = Annotated[
    list[str] | None,
    QueryParameter(
        name="type",
        description="Of these types only; may be repeated, or be a list with commas.",
        schema_extra={
            "one_of": None,
            "type": OpenAPIType.ARRAY,
            "items": Schema(type=OpenAPIType.STRING, enum=list(EventKind)),
        },
    ),
]
SessionQuery = Annotated[str | None, query_parameter("sessionId", **_ID)]
CallQuery = Annotated[str | None, query_parameter("callId", **_ID)]
LastIdQuery = Annotated[
    str | None,
    query_parameter(
        "lastEventId", description="As the header `Last-Event-ID`, which it yields to."
    ),
]
LastIdHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="The `id` of the last event that was received: what came after it is sent.",
        schema_extra={"one_of": None, "type": OpenAPIType.STRING},
    ),
]
FollowQuery = Annotated[
    str | None,
    query_parameter(
        type=OpenAPIType.BOOLEAN,
        default=True,
        description="`false`: send what is stored behind `lastEventId`, or all of it, and end.",
    ),
]
ChangesQuery = Annotated[
    str | None,
    query_parameter(
        type=OpenAPIType.BOOLEAN,
        default=False,
        description="`true`: also send `changed` when something changes that has no event.",
    ),
]
