"""What the OpenAPI document says of the routes of calls."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from entrypoints.http.calls.schemas import SimulatedCallResponse
from entrypoints.http.openapi.document import REFUSALS, errors, read_responses
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

SIMULATE_BODY: Final = Body(
    examples=[Example(summary="A call", value={"from": "+15105550100", "to": "+15105550199"})]
)
SIMULATE_RESPONSES: Final = {
    201: ResponseSpec(
        SimulatedCallResponse,
        description="Nothing has happened yet: the call begins when the phone joins.",
        generate_examples=False,
        examples=[
            Example(
                summary="A phone that may ring",
                value={
                    "roomName": "call-_+15105550100_28073a54b3a7",
                    "participantIdentity": "sip_+15105550100",
                    "participantToken": "eyJ…",
                    "livekitUrl": "ws://127.0.0.1:7880",
                    "from": "+15105550100",
                    "to": "+15105550199",
                },
            )
        ],
    ),
} | errors(
    REFUSALS
    | {
        400: "A value breaks a rule; `field` names it.",
        409: "Telephony is off (`telephony_disabled`).",
        413: "The body is too large.",
        415: "The body is not sent as JSON.",
        503: "The ledger is out of reach.",
    },
    {
        409: (
            "telephony_disabled",
            "Telephony is off, so a phone participant would not become a call: start the service "
            "with TELEPHONY_ENABLED=true.",
            {},
        )
    },
)
