"""What the OpenAPI document says of the routes of trunks and dispatch rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from entrypoints.http.openapi.document import HIDDEN, REFUSALS, errors
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.presenters.trunks import DispatchRuleResponse, TrunkResponse

_TRUNK: Final = {
    "trunkId": "ST_KnjTHzPvnE3c",
    "direction": "inbound",
    "name": "Main line",
    "numbers": ["+15105550100"],
    "allowedAddresses": ["192.0.2.0/24"],
    "allowedNumbers": [],
    "address": None,
    "transport": "auto",
    "authUsername": None,
    "hasPassword": False,
}
_RULE: Final = {
    "dispatchRuleId": "SDR_Cwq6GzbEFmWZ",
    "name": "Calls",
    "kind": "individual",
    "roomName": None,
    "roomPrefix": "call-",
    "hasPin": False,
    "trunkIds": ["ST_KnjTHzPvnE3c"],
    "numbers": [],
    "callerNumbers": [],
    "agentNames": [],
}
TRUNK_BODY: Final = Body(
    examples=[
        Example(
            summary="Calls to a number come in",
            value={"direction": "inbound", "numbers": ["+15105550100"], "name": "Main line"},
        ),
        Example(
            summary="Calls go out by a provider",
            value={
                "direction": "outbound",
                "numbers": ["+15105550100"],
                "address": "sip.provider.example",
                "transport": "tls",
                "authUsername": "user",
                "authPassword": "a password",
            },
        ),
    ]
)
RULE_BODY: Final = Body(
    examples=[
        Example(
            summary="A room for each call by a trunk",
            value={"roomPrefix": "call-", "trunkIds": ["ST_KnjTHzPvnE3c"], "name": "Calls"},
        )
    ]
)
_LIVEKIT: Final = (
    "LiveKit refused or could not be reached, or has no SIP (`livekit_without_sip`: it runs "
    "without Redis)."
)
_SHOWN: Final[Mapping[int, tuple[str, str, Mapping[str, object]]]] = {
    409: ("already_exists", "Inbound trunk ST_KnjTHzPvnE3c takes one of these numbers.", {}),
    502: ("livekit_without_sip", "The LiveKit server has no telephony: it runs without Redis.", {}),
}
_COMMON: Final = REFUSALS | {
    400: "A value breaks a rule; `field` names it.",
    404: HIDDEN,
    502: _LIVEKIT,
    503: "The ledger is out of reach.",
}
LIST_RESPONSES: Final = errors(_COMMON, _SHOWN)


def _create_responses(
    kind: type[TrunkResponse | DispatchRuleResponse], example: object, conflict: str
) -> dict[int, ResponseSpec]:
    return {
        200: ResponseSpec(
            kind,
            description="It existed already, perhaps with another name.",
            examples=[Example(summary="Existing", value=example)],
        ),
        201: ResponseSpec(
            kind, description="Created.", examples=[Example(summary="Created", value=example)]
        ),
    } | errors(
        _COMMON
        | {409: conflict, 413: "The body is too large.", 415: "The body is not sent as JSON."},
        _SHOWN,
    )


TRUNK_RESPONSES: Final = _create_responses(
    TrunkResponse, _TRUNK, "An inbound trunk with other settings takes one of the numbers."
)
RULE_RESPONSES: Final = _create_responses(
    DispatchRuleResponse, _RULE, "Another rule is for the same trunks and numbers."
)


def delete_responses(missing: str) -> dict[int, ResponseSpec]:
    """Return the errors of a route that deletes; ``missing`` describes the 404."""
    return errors(_COMMON | {404: missing}, _SHOWN)


CreateTrunk = linked(201, delete=to("deleteTrunk", trunkId=of_body("trunkId")))
CreateDispatchRule = linked(
    201, delete=to("deleteDispatchRule", dispatchRuleId=of_body("dispatchRuleId"))
)
ListTrunks = linked(200, nextPage=to("listTrunks", cursor=of_body("nextCursor")))
ListDispatchRules = linked(200, nextPage=to("listDispatchRules", cursor=of_body("nextCursor")))
