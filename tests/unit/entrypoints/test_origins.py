"""CORS_ALLOW_ORIGINS: each entry in the form that browsers send, and what it matches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from entrypoints.settings import InvalidSettings, load_settings
from entrypoints.settings.origins import matcher, parse_origin

REQUIRED = {"LIVEKIT_URL": "ws://x", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "s" * 32}


@pytest.mark.parametrize(
    ("entry", "sent"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://app.example.com/", "https://app.example.com"),
        ("https://App.Example.COM", "https://app.example.com"),
        ("HTTPS://app.example.com", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80/", "http://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("http://localhost:05173", "http://localhost:5173"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("app://-", "app://-"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        (
            "moz-extension://01890a5d-ac96-774b-bcce-b302099a8057",
            "moz-extension://01890a5d-ac96-774b-bcce-b302099a8057",
        ),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://MÜNCHEN.example", "https://xn--mnchen-3ya.example"),
        ("null", "null"),
    ],
)
def test_an_entry_matches_what_a_browser_sends_for_it(entry: str, sent: str) -> None:
    assert parse_origin(entry) == sent
    assert parse_origin(sent) == sent
    assert matcher([parse_origin(entry)])(sent)


@pytest.mark.parametrize(
    ("entry", "matching", "others"),
    [
        (
            "https://*.vercel.app",
            [
                "https://a.vercel.app",
                "https://my-app-git-main.vercel.app",
                "https://a.b.vercel.app",
            ],
            [
                "https://vercel.app",
                "https://evil-vercel.app",
                "https://.vercel.app",
                "https://x.evil.io/.vercel.app",
                "https://a.vercel.app.evil.io",
                "https://a.vercelxapp",
                "http://a.vercel.app",
                "https://a.vercel.app:8443",
                "https://evil.io#.vercel.app",
                "https://a.vercel.app\n",
            ],
        ),
        (
            "https://my-app-*.vercel.app",
            ["https://my-app-1.vercel.app", "https://my-app-git-x.vercel.app"],
            ["https://my-app-1.evil.vercel.app", "https://my-app.vercel.app"],
        ),
        (
            "http://localhost:*",
            ["http://localhost", "http://localhost:3000", "http://localhost:5173"],
            ["http://localhost.evil.io:1", "http://localhostx:3000", "http://localhost:3000.evil"],
        ),
        (
            "chrome-extension://*",
            ["chrome-extension://abc"],
            ["https://abc", "chrome-extension://"],
        ),
        ("*", ["https://anything.example", "null", "capacitor://x"], []),
        (
            "https://app.example.com",
            ["https://app.example.com"],
            [
                "https://appxexample.com",
                "https://app.example.com.evil.io",
                "https://evil.io/https://app.example.com",
                "http://app.example.com",
                "https://app.example.com:8443",
                "null",
                "",
            ],
        ),
    ],
)
def test_a_look_alike_is_not_matched(entry: str, matching: list[str], others: list[str]) -> None:
    allows = matcher([parse_origin(entry), "https://another.example"])

    assert {origin: allows(origin) for origin in matching} == dict.fromkeys(matching, True)
    assert {origin: allows(origin) for origin in others} == dict.fromkeys(others, False)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("app.example.com", "write https://app.example.com"),
        ("localhost:3000", "has no scheme"),
        ("https://a.example.com;https://b.example.com", "separate them with commas"),
        ("https://a.example.com https://b.example.com", "separate them with commas"),
        ("https://app.example.com/path", "and nothing else"),
        ("https://user:password@app.example.com", "and nothing else"),
        ("https://app.example.com?x=1", "and nothing else"),
        ("https://", "and nothing else"),
        ("https://(x", "a host that is none"),
        ("https://app.*", "only stand in its first label"),
        ("https://a.*.example.com", "only stand in its first label"),
        ("https://a..example.com", "a host that is none"),
        ("https://app.example.com:0", "a port that is not"),
        ("https://app.example.com:65536", "a port that is not"),
        ("https://app.example.com:4*", "a port that is not"),
        ("http://[::x]", "and nothing else"),
        ("http://[1:2]", "an IPv6 address that is none"),
        ("https://straße.example", "write its host as xn--"),
        ("1http://a.example", "and nothing else"),
    ],
)
def test_what_is_no_origin_is_refused_with_the_reason(entry: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_origin(entry)


def test_a_password_in_an_origin_is_not_repeated(tmp_path: Path) -> None:
    environ = {**REQUIRED, "CORS_ALLOW_ORIGINS": "https://ann:hunter2@app.example.com"}

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ, tmp_path)

    assert "CORS_ALLOW_ORIGINS must be" in str(caught.value)
    assert "hunter2" not in str(caught.value)
