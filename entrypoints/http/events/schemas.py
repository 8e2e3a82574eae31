"""What requests for the stream have."""

from __future__ import annotations

from typing import Annotated

from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import HeaderParameter, QueryParameter

from domain.events.domain_event import EventKind
from entrypoints.http.requests.fields import query_parameter

_ID = {"format": OpenAPIFormat.UUID}

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
