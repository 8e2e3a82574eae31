"""The URLs that callers give the service to send requests to."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from domain.shared.errors import InvalidInput

MAX_URL: Final = 2048
_URL: Final = re.compile(rf"[!-~]{{1,{MAX_URL}}}")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_NEVER: Final = [
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's metadata, though the number is public
        "192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16",  # of no receiver's
    )
]  # fmt: skip


def check_url(given: object, *, field: str, example: str, allow_private: bool) -> str:
    """Return the URL. Raises :class:`InvalidInput` naming ``field``.

    Without ``allow_private`` it must be https, and an address in it must be public. What a name
    resolves to is checked at each connection.
    """
    schemes = ("https", "http") if allow_private else ("https",)
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        if not isinstance(given, str) or not _URL.fullmatch(given):
            raise ValueError
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port  # port raises ValueError, too
        if parts.scheme not in schemes or not host or "@" in parts.netloc or parts.fragment:
            raise ValueError
        _check_number(host)
    except ValueError:
        raise InvalidInput(
            f"{field} must be an absolute {wanted} URL of at most {MAX_URL} characters, without "
            "a user name and a fragment, whose host is a name or a whole address.",
            field=field,
            example=example,
        ) from None
    if not allow_private and not _may_be_public(host):
        raise InvalidInput(
            f"{field} must not lead to a private, loopback, link-local or reserved address; "
            "WEBHOOK_ALLOW_PRIVATE=true permits that.",
            field=field,
            example=example,
        )
    return given


def shown_url(url: str) -> str:
    """Return the URL without its query, which may contain a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def is_public(address: str) -> bool:
    """Return whether ``address`` (IPv4 or IPv6) may belong to another network than this one's.

    Private, loopback, link-local (and with it the clouds' metadata), multicast and reserved
    addresses are not, nor IPv6 forms that contain such an IPv4 address.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.teredo is not None or found.is_site_local:
            return False
    if any(found in network for network in _NEVER):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _check_number(host: str) -> None:
    """Raise ``ValueError`` for a host that is no name and only a part of an IPv4 address.

    Programs read it differently (https://url.spec.whatwg.org/#ends-in-a-number-checker).
    """
    if ":" not in host and _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        ipaddress.IPv4Address(host.rstrip("."))


def _may_be_public(host: str) -> bool:
    """Return whether a URL's host may lead to a public address, as far as its text says."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return False
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return True
    return is_public(name)
