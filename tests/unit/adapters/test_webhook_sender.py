"""Names that resolve to private addresses, and other ways to an address that is not public."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from adapters.webhooks import public_network
from adapters.webhooks.sender import HttpWebhookSender
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.webhook_exchange import NoAnswer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def refusal(url: str) -> NoAnswer:
    sender = HttpWebhookSender(lambda: 0.0, allow_private=False)
    try:
        with pytest.raises(NoAnswer) as refused:
            await sender.send(PreCallWebhook(url=url, secret=SECRET), "id", b"{}")
    finally:
        await sender.close()
    return refused.value


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "169.254.169.254"), (socket.AF_INET6, "::1")],
)
async def test_a_name_that_resolves_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, family: int, address: str
) -> None:
    def look_up(_host: str, port: int, _family: int) -> list[Any]:
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(public_network, "_look_up", look_up)

    refused = await refusal("https://rebound.example.com/")

    assert (str(refused), refused.may_retry) == (
        "leads to an address that is not public", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0x7f000001"]
)
async def test_an_address_in_the_url_is_refused_in_any_form(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    def look_up(_host: str, port: int, _family: int) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(public_network, "_look_up", look_up)

    refused = await refusal(f"https://{host}:9/")

    assert not refused.may_retry


async def test_given_http_was_permitted_when_it_was_stored_then_nothing_is_sent_in_clear() -> None:
    refused = await refusal("http://example.com/calls")

    assert "not https" in str(refused)
    assert not refused.may_retry
