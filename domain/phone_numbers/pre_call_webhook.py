"""The webhook that is asked how to answer a call."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Final, Protocol
from urllib.parse import urlsplit

import attrs

from domain.shared.errors import InvalidInput

FIELD: Final = "preCallWebhook"
MAX_URL: Final = 2048
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
_SECRET_BYTES: Final = range(24, 65)
"""By Standard Webhooks (https://www.standardwebhooks.com)."""
_URL: Final = re.compile(rf"[!-~]{{1,{MAX_URL}}}")
_EXAMPLE: Final = "https://example.com/calls"
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class SecretMaker(Protocol):
    """Makes the secrets that requests are signed with."""

    def webhook_secret(self) -> str:
        """Return ``whsec_`` and 32 random bytes in base64."""
        ...


@attrs.frozen(kw_only=True)
class PreCallWebhook:
    """Where to ask, and the secret that signs the request."""

    url: str
    secret: str = attrs.field(repr=False)


def check_url(given: object, *, allow_private: bool) -> str:
    """Return the URL. Raises :class:`InvalidInput` naming ``preCallWebhook.url``.

    Without ``allow_private`` it must be https, and an address in it must be public. What a name
    resolves to is checked whenever the webhook is asked.
    """
    field = f"{FIELD}.url"
    schemes = ("https", "http") if allow_private else ("https",)
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        if not isinstance(given, str) or not _URL.fullmatch(given):
            raise ValueError
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port  # port raises ValueError, too
        if parts.scheme not in schemes or not host or "@" in parts.netloc or parts.fragment:
            raise ValueError
    except ValueError:
        raise InvalidInput(
            f"{field} must be an absolute {wanted} URL of at most {MAX_URL} characters, without "
            "a user name and a fragment.",
            field=field,
            example=_EXAMPLE,
        ) from None
    if not allow_private and not _may_be_public(host):
        raise InvalidInput(
            f"{field} must not lead to a private, loopback, link-local or reserved address; "
            "WEBHOOK_ALLOW_PRIVATE=true permits that.",
            field=field,
            example=_EXAMPLE,
        )
    return given


def check_secret(given: object) -> str:
    """Return the secret. Raises :class:`InvalidInput` naming ``preCallWebhook.secret``."""
    field = f"{FIELD}.secret"
    try:
        if not isinstance(given, str) or len(secret_bytes(given)) not in _SECRET_BYTES:
            raise ValueError
    except ValueError:
        raise InvalidInput(
            f"{field} must be '{SECRET_PREFIX}' and 24 to 64 bytes in base64; leave it out to have "
            "one made.",
            field=field,
        ) from None
    return given


def secret_bytes(secret: str) -> bytes:
    """Return the key that ``secret`` stands for. Raises ``ValueError`` for what is none."""
    prefix, encoded = secret[: len(SECRET_PREFIX)], secret[len(SECRET_PREFIX) :]
    if prefix != SECRET_PREFIX:
        raise ValueError
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError from None


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
    return found.is_global and not found.is_multicast and not found.is_reserved


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
