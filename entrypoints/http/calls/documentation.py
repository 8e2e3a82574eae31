"""What the OpenAPI document says of the routes of calls."""

from __future__ import annotations

from typing import Final

from entrypoints.http.openapi.document import read_responses
from entrypoints.http.openapi.operation import linked, of_body, to

READ_RESPONSES: Final = read_responses("There is no such call.")

ListCalls = linked(200, nextPage=to("listCalls", cursor=of_body("nextCursor")))
CallById = linked(
    200,
    newestOfRoom=to("callByRoom", roomName=of_body("roomName")),
    session=to("sessionById", sessionId=of_body("sessionId")),
    transcript=to("callTranscript", callId=of_body("callId")),
    usage=to("callUsage", callId=of_body("callId")),
)
CallByRoom = linked(200, call=to("callById", callId=of_body("callId")))
