"""Web origins (RFC 6454), and the patterns of ``CORS_ALLOW_ORIGINS`` that they match."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

EVERY: Final = "*"
OPAQUE: Final = "null"
"""What a browser sends for a page without an origin, such as a file's."""

_PARTS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(?P<port>:[0-9*]+)?/*"
)
_HOST: Final = re.compile(r"[a-z0-9_*-]+(?:\.[a-z0-9_-]+)*")
_DEFAULT_PORTS: Final[Mapping[str, str]] = {"http": ":80", "https": ":443"}
_LABELS: Final = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"


def parse_origin(raw: str) -> str:
    """Return an entry of ``CORS_ALLOW_ORIGINS`` in the form in which browsers send origins.

    That is in lower case, in ASCII, without a default port and without a slash at the end. A ``*``
    may stand for everything, for the sub-domains of a host, in a host's first label, and for a
    port. Raises :class:`ValueError` with what is wrong.
    """
    if raw in (EVERY, OPAQUE):
        return raw
    if re.search(r"[;\s]", raw):
        raise ValueError("holds several; separate them with commas")
    if "://" not in raw:
        raise ValueError(f"has no scheme; write https://{raw} or http://{raw}")
    parts = _PARTS.fullmatch(raw.lower())
    if parts is None:
        raise ValueError("must be a scheme, a host and, if need be, a port, and nothing else")
    host, port = _host(parts["host"]), _port(parts["port"] or "")
    if port == _DEFAULT_PORTS.get(parts["scheme"]):
        port = ""
    return f"{parts['scheme']}://{host}{port}"


def matcher(entries: Collection[str]) -> Callable[[str], bool]:
    """Return a test for ``Origin`` headers; ``entries`` are what :func:`parse_origin` returns."""
    if EVERY in entries:
        return lambda _origin: True
    exact = frozenset(entry for entry in entries if "*" not in entry)
    patterns = "|".join(_pattern(entry) for entry in entries if "*" in entry)
    if not patterns:
        return lambda origin: origin.lower() in exact
    matches = re.compile(patterns, re.ASCII).fullmatch
    return lambda origin: origin.lower() in exact or matches(origin.lower()) is not None


def _host(host: str) -> str:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise ValueError("has an IPv6 address that is none") from None
    if not host.isascii():
        try:
            encoded = host.encode("idna").decode()
        except UnicodeError:
            encoded = ""
        # Browsers follow a later standard; where both differ, such as for 'ß', do not guess.
        if not encoded or encoded.encode().decode("idna") != host:
            raise ValueError("has letters beyond ASCII; write its host as xn--…")
        host = encoded
    if not _HOST.fullmatch(host):
        raise ValueError("has a host that is none; a * may only stand in its first label")
    return host


def _port(port: str) -> str:
    if port in ("", ":*"):
        return port
    if not (port[1:].isdigit() and 0 < int(port[1:]) < 65536):
        raise ValueError("has a port that is not 1 to 65535")
    return f":{int(port[1:])}"


def _pattern(entry: str) -> str:
    scheme, _, rest = entry.partition("://")
    any_port = rest.endswith(":*")
    first, dot, others = rest.removesuffix(":*").partition(".")
    label = _LABELS if first == "*" else re.escape(first).replace(r"\*", "[a-z0-9_-]*")
    port = r"(?::\d{1,5})?" if any_port else ""
    return f"{re.escape(scheme)}://{label}{re.escape(dot + others)}{port}"
