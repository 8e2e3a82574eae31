"""LIVEKIT_URL as people write it."""

from __future__ import annotations

import pytest

from entrypoints.settings.livekit_url import parse_livekit_url


@pytest.mark.parametrize(
    "url",
    [
        "wss://p.livekit.cloud",
        "WSS://P.LiveKit.cloud",
        "Ws://127.0.0.1:7880",
        "HTTPS://p.livekit.cloud/",
        "http://localhost:7880",
        "wss://p.livekit.cloud//",
        "wss://h/livekit/sfu/",
        "ws://[::1]:7880",
        "ws://[::1]",
        "ws://my_host",
    ],
)
def test_given_an_address_then_it_is_kept_as_it_is(url: str) -> None:
    assert parse_livekit_url(url) == url


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("p.livekit.cloud", "wss://"),
        ("wss:p.livekit.cloud", "wss://"),
        ("wss//p.livekit.cloud", "wss://"),
        ("ftp://p.livekit.cloud", "wss://"),
        ("ws://::1:7880", "wss://"),
        ("wss://p.livekit.cloud:99999", "wss://"),
        ("wss://p.livekit.cloud:0", "wss://"),
        ("wss://p.livekit.cloud:", "host name"),
        ("wss://user:hunter@p.livekit.cloud", "without user:password@"),
        ("wss://hunter@p.livekit.cloud", "without user:password@"),
        ("wss://p.livekit.cloud?token=hunter", "before the '?'"),
        ("wss://p.livekit.cloud/?", "before the '?'"),
        ("wss://p.livekit.cloud/#hunter", "'#'"),
        ("wss://https://p.livekit.cloud", "host name"),
        ("wss://my project.livekit.cloud", "host name"),
        ("wss://p.livekit.cloud/a b", "host name"),
        ("wss://p.livekit.cloud\u200b", "host name"),
        ("wss://m\u00fcnchen.example", "host name"),
    ],
)
def test_given_anything_else_then_a_sentence_tells_what_to_write(url: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as caught:
        parse_livekit_url(url)

    assert hint in str(caught.value)
    assert "hunter" not in str(caught.value)
