"""How many files a process may have open (RLIMIT_NOFILE, getrlimit(2)), and what they are for."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs, urlsplit

from application.settings import Storage
from entrypoints.settings import Settings

MOST_CLIENTS: Final = 32_768
LEAST_CLIENTS: Final = 16
MOST_LIVEKIT: Final = 100
LEAST_LIVEKIT: Final = 4

_PROCESS: Final = 25
"""Pipes, event queues and /dev/null of the loop and of granian, beside what is inherited."""
_EACH_OTHER_PROCESS: Final = 5
"""The pipes to a process that was started earlier, which a later one inherits."""
_METRICS: Final = 13
"""The files in which several processes count, their lock, and what one request for them opens."""
_SQLITE: Final = 15
"""Seven connections with a database and a log each, and the log's index."""
_POSTGRESQL: Final = 10
"""Connections, unless DATABASE_URL has ``connection_limit``."""
_PASSING: Final = 8
"""Files that are open for a moment: name resolution, /proc, a module, a temporary table."""
_UNKNOWN: Final = 10_240
"""What macOS allows where the limit is infinite (OPEN_MAX)."""


class TooFewFiles(Exception):
    """The limit is too low to serve; the message is a sentence with both numbers."""


def raise_limit() -> int:
    """Raise this process's limit as far as it may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _UNKNOWN if hard == resource.RLIM_INFINITY else hard
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def open_files() -> int:
    """Return how many files this process has open: what it inherits, and what it hands on."""
    try:
        return len(os.listdir("/proc/self/fd")) - 1  # without the folder itself
    except OSError:
        return 3


def client_connections(settings: Settings, limit: int, inherited: int) -> int:
    """Return how many connections a process accepts, busy or idle; more wait in its queue.

    So many that the database and LiveKit find files left of ``limit``.
    Raises :class:`TooFewFiles` if that leaves none for a few clients.
    """
    own = _own(settings, inherited)
    clients = min(limit - _reserve(own, limit), MOST_CLIENTS)
    if clients < LEAST_CLIENTS:
        raise TooFewFiles(
            f"A process may have {limit} files open here, but this configuration needs "
            f"{own + 2 * LEAST_LIVEKIT + LEAST_CLIENTS}. Raise the hard limit (ulimit -Hn, "
            "LimitNOFILE= in systemd, --ulimit nofile= in Docker), or lower WORKERS or "
            "DATABASE_URL's connection_limit."
        )
    return clients


def livekit_connections(settings: Settings) -> int:
    """Return how many connections to LiveKit this process may have, once it is about to serve.

    While it is made, a connection may need two files: for an IPv6 and an IPv4 address.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    own = _own(settings, open_files())
    return min((_reserve(own, limit) - own) // 2, MOST_LIVEKIT)


def _reserve(own: int, limit: int) -> int:
    return max(own + 2 * LEAST_LIVEKIT, min(limit // 2, 512))


def _own(settings: Settings, inherited: int) -> int:
    others = settings.workers - 1
    counting = _METRICS if others else 0
    return (
        inherited + _PROCESS + _PASSING + counting + others * _EACH_OTHER_PROCESS
        + _database(settings)
    )  # fmt: skip


def _database(settings: Settings) -> int:
    if settings.storage is Storage.MEMORY:
        return 0
    if settings.storage is Storage.SQLITE:
        return _SQLITE
    options = parse_qs(urlsplit(settings.database_url).query)
    (connections,) = options.get("connection_limit", [str(_POSTGRESQL)])
    return int(connections) + 1  # the first connection may ask for a pooler
