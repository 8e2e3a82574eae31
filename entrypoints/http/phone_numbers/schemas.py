"""Requests and lists of phone numbers."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar.params import PathParameter

from domain.phone_numbers.definition import E164, TRUNK
from domain.phone_numbers.phone_number import PhoneNumber
from domain.shared.identifiers import LONGEST_NUMBER
from domain.shared.pagination import Page
from domain.shared.webhook_target import MAX_URL
from entrypoints.presenters.fields import documented
from entrypoints.presenters.phone_numbers import PhoneNumberResponse, phone_number_response

_AGENT: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
_WEBHOOK: Final = {"url": "https://example.com/calls"}

Number = Annotated[
    str,
    documented(
        example="+15105550199", max_length=LONGEST_NUMBER, pattern=rf"^{E164}$",
        examples=["+15105550199"],
    ),
]  # fmt: skip
AgentIdField = Annotated[str, documented(example=_AGENT, format="uuid")]
TrunkId = Annotated[str | None, documented(example="ST_a1b2c3d4", pattern=f"^{TRUNK}$")]
Webhook = Annotated[
    dict[str, Any] | None,
    documented(
        example=_WEBHOOK,
        one_of=[
            {
                "type": "object",
                "properties": {
                    "url": {"type": "string", "maxLength": MAX_URL, "format": "uri"},
                    "secret": {
                        "type": ["string", "null"],
                        "pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$",
                    },
                },
                "additionalProperties": False,
            },
            {"type": "null"},
        ],
    ),
]
NumberPath = Annotated[
    str,
    PathParameter(
        description="The number in E.164. Where it is stored for several trunks, with '@' and the "
        "trunk's id: +15105550199@ST_a1b2c3d4. A slash in it is sent as %2F.",
        schema_extra={"pattern": rf"^{E164}(@{TRUNK})?$", "examples": ["+15105550199"]},
    ),
]


class AddPhoneNumberRequest(
    msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True
):
    """A new number and the saved agent that answers it.

    ``trunkId``: the calls of this trunk only. ``preCallWebhook`` is asked before a call is
    answered; without ``secret`` one is made.
    """

    number: Number
    agent_id: AgentIdField
    trunk_id: TrunkId = None
    pre_call_webhook: Webhook = None


class ChangePhoneNumberRequest(
    msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True
):
    """The fields to replace; null removes ``trunkId`` or ``preCallWebhook``.

    A field of ``preCallWebhook`` that is absent stays; ``secret: null`` has a new one made.
    """

    agent_id: AgentIdField | msgspec.UnsetType = msgspec.UNSET
    trunk_id: TrunkId | msgspec.UnsetType = msgspec.UNSET
    pre_call_webhook: Webhook | msgspec.UnsetType = msgspec.UNSET


class PhoneNumbersResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Numbers, the newest first; `nextCursor` is the next page's `cursor`, null on the last one."""

    phone_numbers: list[PhoneNumberResponse]
    next_cursor: str | None


def fields_of(body: AddPhoneNumberRequest | ChangePhoneNumberRequest) -> dict[str, Any]:
    """Return the fields that the body has, by their names in JSON."""
    fields: dict[str, Any] = msgspec.to_builtins(body)
    return fields


def stored_response(number: PhoneNumber) -> str:
    """Return the response as JSON text."""
    return msgspec.json.encode(phone_number_response(number, with_secret=True)).decode()


def repeated_response(text: str) -> PhoneNumberResponse:
    """Return what :func:`stored_response` wrote."""
    return msgspec.json.decode(text, type=PhoneNumberResponse)


def phone_numbers_response(page: Page[PhoneNumber]) -> PhoneNumbersResponse:
    """Return a page of numbers."""
    return PhoneNumbersResponse(
        phone_numbers=[phone_number_response(number) for number in page.items],
        next_cursor=page.next_cursor,
    )
