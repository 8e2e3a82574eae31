"""The URLs of the LiveKit server: the service's and its clients'."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_EXAMPLE: Final = "for example wss://my-project.livekit.cloud"
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def parse_livekit_url(raw: str) -> str:
    """Return ``raw`` unchanged if it is the address of a LiveKit server: clients get it so.

    Raises :class:`ValueError`, which does not show the URL: it may hold a password.
    """
    try:
        url = urlsplit(raw)
        valid = url.scheme in ("ws", "wss", "http", "https") and url.port != 0
    except ValueError:  # a port that is not a number, or half an IPv6 address
        valid = False
    if not valid or not url.hostname:
        raise ValueError(f"must be a ws://, wss://, http:// or https:// address, {_EXAMPLE}.")
    if "@" in url.netloc:
        raise ValueError(
            "must be without user:password@; LIVEKIT_API_KEY and LIVEKIT_API_SECRET sign requests."
        )
    if "?" in raw or "#" in raw:
        raise ValueError(f"must end before the '?' or '#', {_EXAMPLE}.")
    host, colon, port = url.netloc.rpartition(":")
    host = host if colon and "]" not in port else url.netloc
    if not _HOST.fullmatch(host) or (colon and not port) or not raw.isprintable() or " " in raw:
        raise ValueError(
            f"must be a host name of ASCII letters or an IP address, without spaces, {_EXAMPLE}."
        )
    return raw
