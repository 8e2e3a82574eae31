"""A phone number as JSON."""

from __future__ import annotations

import msgspec

from domain.phone_numbers.phone_number import PhoneNumber
from entrypoints.presenters.fields import Timestamp, Uuid
from entrypoints.presenters.times import rfc3339


class PreCallWebhookResponse(msgspec.Struct, rename="camel", kw_only=True):
    """The webhook that is asked how to answer a call.

    `secret` signs the requests. It is shown once: to the request that set it or had it made.
    """

    url: str
    secret: str | msgspec.UnsetType = msgspec.UNSET


class PhoneNumberResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A phone number (E.164) and the saved agent that answers calls to it. Times are RFC 3339.

    `trunkId`: the calls of this trunk only; null: those of every trunk without an entry of its own.
    """

    number: str
    agent_id: Uuid
    trunk_id: str | None
    pre_call_webhook: PreCallWebhookResponse | None
    created_at: Timestamp
    updated_at: Timestamp


def phone_number_response(number: PhoneNumber, *, with_secret: bool = False) -> PhoneNumberResponse:
    """Return ``number`` as callers see it."""
    webhook = number.webhook
    return PhoneNumberResponse(
        number=number.number,
        agent_id=str(number.agent_id),
        trunk_id=number.trunk_id,
        pre_call_webhook=None
        if webhook is None
        else PreCallWebhookResponse(
            url=webhook.url, secret=webhook.secret if with_secret else msgspec.UNSET
        ),
        created_at=rfc3339(number.created_at),
        updated_at=rfc3339(number.updated_at),
    )
