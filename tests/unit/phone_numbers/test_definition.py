"""What is taken as a phone number, a trunk and a webhook: numbers in 40 forms, bad URLs."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.phonenumbers.phone_numbers import normalised
from domain.phone_numbers.definition import PhoneNumberDefinition, parse_number
from domain.shared.errors import InvalidInput
from domain.shared.webhook_secret import secret_bytes
from domain.shared.webhook_target import is_public
from tests.unit.phone_numbers.numbers import NUMBER, given

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

TAKEN = [
    (NUMBER, NUMBER),
    (" +15105550199 ", NUMBER),
    ("+1 510 555 0199", NUMBER),
    ("+1 (510) 555-0199", NUMBER),
    ("+1-510-555-0199", NUMBER),
    ("+1.510.555.0199", NUMBER),
    ("+1/510/555/0199", NUMBER),
    ("0015105550199", NUMBER),
    ("sip:+15105550199@carrier.example", NUMBER),
    ("sips:+15105550199@carrier.example;transport=tls", NUMBER),
    ("<sip:+15105550199@carrier.example>", NUMBER),
    ('"Acme" <sip:+15105550199@carrier.example>', NUMBER),
    ("tel:+15105550199", NUMBER),
    ("tel:+1-510-555-0199;phone-context=example.com", NUMBER),
    ("+15105550199;ext=7", NUMBER),
    ("+15105550199 ext. 7", NUMBER),
    ("\uff0b15105550199", NUMBER),
    ("+١٥١٠٥٥٥٠١٩٩", NUMBER),
    ("sip:%2B15105550199@carrier.example", NUMBER),
    ("+44 20 7946 0018", "+442079460018"),
    ("+44 (0)20 7946 0018", "+442079460018"),
    ("+49 30 901820", "+4930901820"),
    ("+91 22 2778 1234", "+912227781234"),
    ("+3545551234", "+3545551234"),
]
REFUSED = [
    "", " ", "+", "5105550199", "(510) 555-0199", "15105550199", "+1", "+1510",
    "+0123456789", "anonymous", "+266696687", "+7378742833", "911",
    "sip:alice@example.com", "alice", "+15105550199\0", "+1510555\ud8000199", "\u202e+15105550199x",
    "+15105550199,+15105550198", "+1" + "5" * 40, "+" * 200, "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize(("raw", "number"), TAKEN)
def test_a_number_with_its_country_s_code_is_taken_in_any_form(raw: str, number: str) -> None:
    assert parse_number(raw, normalised) == number


@pytest.mark.parametrize("raw", [*REFUSED, None, 15105550199, True, ["+15105550199"], {}])
def test_what_is_no_such_number_is_refused_by_name(raw: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_number(raw, normalised)
    assert refused.value.details["field"] == "number"
    assert refused.value.details["example"] == NUMBER


def test_there_are_at_least_40_forms() -> None:
    assert len(TAKEN) + len(REFUSED) >= 40


def parsed(*, allow_private: bool = False, **fields: Any) -> PhoneNumberDefinition:
    return PhoneNumberDefinition.parse(given(**fields), normalised, allow_private=allow_private)


@pytest.mark.parametrize("trunk", ["", " ", "a b", "a@b", "x" * 129, "\0", 7, [], "ü"])
def test_what_is_no_trunk_is_refused(trunk: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(trunkId=trunk)
    assert refused.value.details["field"] == "trunkId"


@pytest.mark.parametrize("agent", [None, "", 7, "x", "0" * 36])
def test_what_is_no_agent_is_refused(agent: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        PhoneNumberDefinition.parse(
            {"number": NUMBER, "agentId": agent}, normalised, allow_private=False
        )
    assert refused.value.details["field"] == "agentId"


BAD_URLS: list[object] = [
    "", "x", "http://example.com/", "ftp://example.com/", "https://", "https:///x",
    "//example.com/", "https://user:pw@example.com/", "https://example.com/#x",
    "https://example.com:99999/", "https://example.com:x/", "https://exa mple.com/",
    "https://example.com/\n", "https://example.com/ü", "https://[::1", "https://" + "a" * 2048,
    "javascript:alert(1)", None, 7, [],
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "168.63.129.16", "192.0.0.8", "192.88.99.1", "3fff::1", "5f00::1",
    "169.254.169.254", "0.0.0.0", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:db8::1", "fec0::1",
    "fe80::1%eth0",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808"]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_url_is_refused_by_name(url: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(preCallWebhook={"url": url})
    assert refused.value.details["field"] == "preCallWebhook.url"


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_none_for_a_webhook_unless_permitted(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    webhook = {"url": f"https://{host}/calls"}

    assert not is_public(address)
    with pytest.raises(InvalidInput) as refused:
        parsed(preCallWebhook=webhook)
    assert "WEBHOOK_ALLOW_PRIVATE" in str(refused.value)
    assert parsed(preCallWebhook=webhook, allow_private=True).webhook == webhook


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "metadata.internal"])
def test_a_name_of_this_network_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        parsed(preCallWebhook={"url": f"https://{host}/"})


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "x", "1.2.3", "0x7f000001", "2130706433", "1.2.3.4.5"])
def test_what_is_no_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "secret",
    ["", "x", "whsec_", "whsec_!", "whsec_QUJD", "whsec_" + "A" * 100, SECRET[6:], 7, []],
)
def test_a_bad_secret_is_refused_and_not_repeated(secret: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(preCallWebhook={"url": "https://example.com/", "secret": secret})
    assert refused.value.details == {"field": "preCallWebhook.secret"}
    assert not secret or len(str(secret)) < 8 or str(secret) not in str(refused.value)


def test_a_secret_stands_for_its_bytes() -> None:
    assert len(secret_bytes(SECRET)) == 24


@pytest.mark.parametrize(
    "webhook", [7, "x", [], {"uri": "x"}, {"url": "https://a.example", "x": 1}]
)
def test_what_is_no_webhook_is_refused(webhook: object) -> None:
    with pytest.raises(InvalidInput):
        parsed(preCallWebhook=webhook)


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(agents="x")
    assert refused.value.details["field"] == "agents"
