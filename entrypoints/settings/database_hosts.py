"""The hosts and ports of a PostgreSQL URL, in libpq's forms, → the forms that the adapter reads.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]*)(:(?P<port>\d{1,5}))?", re.A)
_IPV6: Final = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_PORT: Final = "5432"


def read_hosts(place: str, options: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return what is between ``@`` and ``/`` in the adapter's URL, and the URL's options.

    One host stays where it is; several, and the folders of Unix sockets, become the options
    ``host`` and ``port``. As in libpq, these options replace what ``place`` names.
    Raises :class:`ValueError` with the end of a sentence.
    """
    for host in place.split(","):
        _read_host(host)
    names = options.get("host", place).split(",")
    ports = options["port"].split(",") if "port" in options else []
    if len(ports) not in (0, 1, len(names)):
        raise ValueError("must have one port, or as many as it has hosts.")
    if len(names) == 1:
        if "%" in place:
            return "", {"host": unquote(place), **options}
        return place, {**options}
    places = [_read_host(name) for name in names]
    if not all(host for host, _ in places):
        raise ValueError("must have a host between commas.")
    ports = ports * len(names) if len(ports) == 1 else ports or [port for _, port in places]
    others = {name: value for name, value in options.items() if name not in ("host", "port")}
    return "", {**others, "host": ",".join(host for host, _ in places), "port": ",".join(ports)}


def is_port(text: str) -> bool:
    """Whether ``text`` is a number that a port may have."""
    return text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536


def _read_host(name: str) -> tuple[str, str]:
    if name.startswith("/") or _IPV6.fullmatch(name):  # as an option
        return name, _PORT
    match = _HOST.fullmatch(name)
    if match is None or not is_port(match["port"] or _PORT):
        raise ValueError(
            "must be postgresql://user:password@host:port/database, with a number as the port; "
            "in the user name and the password write %40 for @, %3A for : and %2F for /."
        )
    return unquote(match["host"].strip("[]")), match["port"] or _PORT
