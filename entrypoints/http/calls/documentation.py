"""What the OpenAPI document says of the routes of calls."""

from __future__ import annotations

from typing import Final

from entrypoints.http.openapi.document import HIDDEN, REFUSALS, errors
from entrypoints.http.openapi.operation import linked, of_body, to

LIST_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "A filter is malformed; `field` names it.",
        404: HIDDEN,
        503: "The ledger is out of reach.",
    }
)
READ_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "There is no such call.",
        503: "The ledger is out of reach.",
    }
)

ListCalls = linked(200, nextPage=to("listCalls", cursor=of_body("nextCursor")))
CallById = linked(
    200,
    newestOfRoom=to("callByRoom", roomName=of_body("roomName")),
    session=to("sessionById", sessionId=of_body("sessionId")),
)
CallByRoom = linked(200, call=to("callById", callId=of_body("callId")))
