"""Whose requests are counted together."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoints.http.middleware.limits import can_be_bypassed, client_address

PROXY = "10.0.0.1"


def request(peer: str = PROXY, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": (peer, 4711), "headers": [(b"host", b"x"), *headers]}


def test_without_a_proxy_the_header_says_nothing() -> None:
    assert client_address(request("203.0.113.7", "198.51.100.1"), 0) == "203.0.113.7"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        (["203.0.113.7"], 1, "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7"], 1, "203.0.113.7"),
        (["1.1.1.1", "2.2.2.2, 203.0.113.7"], 1, "203.0.113.7"),
        (["203.0.113.7, 10.0.0.2"], 2, "203.0.113.7"),
        (["1.1.1.1,203.0.113.7 ,10.0.0.2"], 2, "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7:4711"], 1, "203.0.113.7"),
        (["203.0.113.7:4711, 10.0.0.2:80"], 2, "203.0.113.7"),
        (["[2001:db8:1:2::9]:4711"], 1, "2001:db8:1:2::/64"),
        (["[2001:db8:1:2::9]"], 1, "2001:db8:1:2::/64"),
        (["[::ffff:203.0.113.7]:4711"], 1, "203.0.113.7"),
        # Not what as many proxies would have sent.
        (["203.0.113.7"], 2, PROXY),
        ([], 1, PROXY),
        (["203.0.113.7, unknown"], 1, PROXY),
        (["203.0.113.7, "], 1, PROXY),
        (["\xff"], 1, PROXY),
        (["203.0.113.7:http"], 1, PROXY),
        (["203.0.113:4711"], 1, PROXY),
        (["[unknown]:4711"], 1, PROXY),
        (["[]:4711"], 1, PROXY),
        (["[2001:db8::9"], 1, PROXY),
    ],
    ids=str,
)
def test_behind_proxies_only_what_they_have_added_counts(
    forwarded: list[str], proxies: int, address: str
) -> None:
    assert client_address(request(PROXY, *forwarded), proxies) == address


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_an_ipv6_network_is_one_client(raw: str, address: str) -> None:
    assert client_address(request(raw), 0) == address
    assert client_address(request(PROXY, raw), 1) == address


def test_who_has_no_address_is_one_client_too() -> None:
    assert client_address({"client": None, "headers": []}, 0) == ""


@pytest.mark.parametrize(
    ("host", "proxies", "bypassed"),
    [
        ("0.0.0.0", 1, True),
        ("::", 2, True),
        ("[::]", 1, True),
        ("0.0.0.0", 0, False),
        ("127.0.0.1", 1, False),
        ("::1", 1, False),
        ("10.0.0.4", 1, False),
        ("localhost", 1, False),
    ],
)
def test_it_is_known_where_a_proxy_can_be_gone_round(
    host: str, proxies: int, *, bypassed: bool
) -> None:
    assert can_be_bypassed(host, proxies) is bypassed
