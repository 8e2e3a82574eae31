"""Connecting to the one of several PostgreSQL hosts that serves what is asked for.

The driver has one time limit for all hosts, so that a silent one would use it up: here, as in
libpq, each host has a limit of its own.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
"""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from domain.shared.errors import StorageUnavailable

WRITABLE: Final = ("read-write", "primary")
"""Values of ``target_session_attrs`` that one host at a time satisfies."""

_NEXT: Final = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)
"""What a host fails with that leaves the others to be tried, as by libpq."""


class Hosts:
    """Connects to the first host that answers and fits ``target_session_attrs``.

    Of several hosts one that accepts writes is taken, unless the URL asks for another kind. The
    host that served last is tried first then, so that a silent one costs its limit only once.
    ``limit`` is the seconds for each host; without it they share the driver's ``timeout``.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._limit = limit
        self._last = 0

    async def connect(self, **arguments: Any) -> asyncpg.Connection:
        """Return a connection. ``arguments`` are the driver's.

        Raises ``StorageUnavailable`` if hosts answer and none fits, else what
        the driver raised for the last one.
        """
        host, port = arguments.get("host"), arguments.get("port")
        places = [(host, port)]
        if isinstance(host, list) and isinstance(port, list):
            places = list(zip(host, port, strict=True))
        if len(places) > 1:
            arguments.setdefault("target_session_attrs", WRITABLE[0])
        wanted = arguments.get("target_session_attrs")
        if wanted == "prefer-standby":  # which needs an answer of every host
            return await asyncpg.connect(**arguments)
        arguments["timeout"] = self._limit or arguments["timeout"] / len(places)
        unreached: list[Exception] = []
        for number in self._order(len(places), wanted):
            arguments["host"], arguments["port"] = places[number]
            try:
                connection = await asyncpg.connect(**arguments)
            except asyncpg.TargetServerAttributeNotMatched:
                continue
            except _NEXT as error:
                unreached.append(error)
            else:
                self._last = number
                return connection
        if len(unreached) == len(places):
            raise unreached[-1]
        raise _none_fits(wanted, len(unreached), len(places))

    def _order(self, number: int, wanted: str | None) -> list[int]:
        first = self._last if wanted in WRITABLE else 0
        return [first, *(host for host in range(number) if host != first)]


def _none_fits(wanted: str | None, unreached: int, number: int) -> StorageUnavailable:
    fits = "accepts writes" if wanted in WRITABLE else "fits"
    silent = f"; {unreached} of {number} could not be reached" if unreached else ""
    return StorageUnavailable(
        f"The database is not available: no host of DATABASE_URL {fits} "
        f"(target_session_attrs={wanted}){silent}."
    )
