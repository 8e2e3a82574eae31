"""What the OpenAPI document says of the routes of phone numbers."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from entrypoints.http.openapi.document import HIDDEN, REFUSALS, errors, read_responses
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.requests.idempotency import AS_BEFORE, REPEATED
from entrypoints.presenters.phone_numbers import PhoneNumberResponse

_MISSING: Final = "There is no such phone number."
_AGENT: Final = "01a2074e-8b46-7010-b8f8-28073a54b3a7"
_NUMBER: Final = {
    "number": "+15105550199",
    "agentId": _AGENT,
    "trunkId": None,
    "preCallWebhook": {"url": "https://example.com/calls"},
    "createdAt": "2026-11-27T04:00:00.000Z",
    "updatedAt": "2026-11-27T04:00:00.000Z",
}
ADD_BODY: Final = Body(
    examples=[
        Example(summary="The least", value={"number": "+15105550199", "agentId": _AGENT}),
        Example(
            summary="One trunk's calls, with a pre-call webhook",
            value={
                "number": "+15105550199",
                "agentId": _AGENT,
                "trunkId": "ST_a1b2c3d4",
                "preCallWebhook": {"url": "https://example.com/calls"},
            },
        ),
    ]
)
CHANGE_BODY: Final = Body(
    examples=[
        Example(summary="Another agent", value={"agentId": _AGENT}),
        Example(summary="No webhook any more", value={"preCallWebhook": None}),
        Example(summary="A new secret", value={"preCallWebhook": {"secret": None}}),
    ]
)

_CONFLICT: Final = (
    "phone_number_taken",
    "The phone number +15105550199 is already in use.",
    {"field": "number"},
)
_CHANGES: Final = REFUSALS | {
    400: "A value breaks a rule; `field` names it.",
    413: "The body is too large.",
    415: "The body is not sent as JSON.",
    503: "The ledger is out of reach.",
}


def _shown(description: str) -> ResponseSpec:
    return ResponseSpec(
        PhoneNumberResponse,
        description=description,
        generate_examples=False,
        examples=[Example(summary="A phone number", value=_NUMBER)],
    )


ADD_RESPONSES: Final = {201: _shown(f"The new number. {AS_BEFORE}")} | errors(
    _CHANGES
    | REPEATED
    | {
        404: f"There is no such agent. {HIDDEN}",
        409: "The number is in use (`phone_number_taken`), there are 10,000 numbers "
        "(`phone_number_limit_reached`), or the first request with this Idempotency-Key is still "
        "being carried out.",
    },
    {409: _CONFLICT},
)
CHANGE_RESPONSES: Final = {200: _shown("The number after the change.")} | errors(
    _CHANGES
    | {
        404: "There is no such phone number or agent.",
        409: "The number is in use on this trunk (`phone_number_taken`), or other requests keep "
        "changing it (`phone_number_changed`).",
    },
    {409: _CONFLICT},
)
READ_RESPONSES: Final = {200: _shown("The number.")} | read_responses(_MISSING)
DELETE_RESPONSES: Final = read_responses(_MISSING)

_OF_NUMBER: Final = of_body("number")
_NEXT: Final = {
    "phoneNumber": to("phoneNumberByNumber", number=_OF_NUMBER),
    "change": to("changePhoneNumber", number=_OF_NUMBER),
    "delete": to("deletePhoneNumber", number=_OF_NUMBER),
    "agent": to("agentById", agentId=of_body("agentId")),
}
AddPhoneNumber = linked(201, **_NEXT)
ChangePhoneNumber = linked(200, **_NEXT)
PhoneNumberByNumber = linked(200, **_NEXT)
ListPhoneNumbers = linked(200, nextPage=to("listPhoneNumbers", cursor=of_body("nextCursor")))
