"""Connections to public addresses only."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import attrs
from aiohttp.abc import AbstractResolver, ResolveResult

from domain.shared.webhook_target import is_public

MOST: Final = 128
"""Look-ups of names at the same time: each takes a thread until the system gives up."""
MOST_OF_HOST: Final = 2
HANGS_AFTER: Final = 1.0
"""Seconds after which a request does not wait for an earlier one's look-up, but begins another."""

_Wanted = tuple[str, int, int]
"""A host, a port and a family of addresses."""


class PrivateAddress(OSError):
    """The address is not public, and nothing was sent to it."""


def public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for an address of ``getaddrinfo``. Raises :class:`PrivateAddress`.

    It is the last step before the connection, so that it sees each address that is used: whatever
    a name resolves to now, and numbers that only look like a name.
    """
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise PrivateAddress
    return any_socket((family, kind, protocol, "", where))


def any_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for any address."""
    made = socket.socket(address[0], address[1], address[2])
    made.settimeout(0)
    return made


class Resolver(AbstractResolver):
    """Look names up in threads that hold up neither other names nor the end of the process.

    The system may take 10 s and more to give up on a name. A host has at most :data:`MOST_OF_HOST`
    look-ups under way, which requests share; further requests fail at once.
    """

    def __init__(self) -> None:
        self._running: dict[_Wanted, list[_LookUp]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of ``host``. Raises ``OSError``."""
        # Another request's time limit must not end the look-up.
        found = await asyncio.shield(self._look_up((host, port, family)))
        return [
            ResolveResult(
                hostname=host, host=str(where[0]), port=port, family=of, proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for of, _, protocol, _, where in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Leave what is under way to itself."""

    def _look_up(self, wanted: _Wanted) -> asyncio.Future[list[Any]]:
        """Return the host's latest look-up; a new one if that hangs, or there is none."""
        loop = asyncio.get_running_loop()
        running = self._running.get(wanted, [])
        if running and loop.time() - running[-1].began < HANGS_AFTER:
            return running[-1].found
        if len(running) >= MOST_OF_HOST or sum(map(len, self._running.values())) >= MOST:
            raise OSError(errno.EAGAIN, "Too many look-ups of names are under way.")
        begun = _LookUp(loop.time(), loop.create_future())
        self._running.setdefault(wanted, []).append(begun)
        begun.found.add_done_callback(partial(self._ended, wanted, begun))
        # A daemon: the process ends without waiting for it, as it would for a pool's.
        threading.Thread(
            target=_look_up_in_thread, args=(loop, begun.found, wanted),
            name="webhook-name", daemon=True,
        ).start()  # fmt: skip
        return begun.found

    def _ended(self, wanted: _Wanted, one: _LookUp, found: asyncio.Future[list[Any]]) -> None:
        if not found.cancelled():
            found.exception()  # perhaps no request waits for it any more
        running = self._running[wanted]
        running.remove(one)
        if not running:
            del self._running[wanted]


@attrs.frozen(eq=False)
class _LookUp:
    """One that is under way, since ``began`` by the event loop's clock."""

    began: float
    found: asyncio.Future[list[Any]]


def _look_up_in_thread(
    loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[Any]], wanted: _Wanted
) -> None:
    settle: Callable[[], None]
    try:
        settle = partial(_unless_done, found, found.set_result, _look_up(*wanted))
    except OSError as error:
        settle = partial(_unless_done, found, found.set_exception, error)
    except Exception as error:  # noqa: BLE001 - such as a name that IDNA does not take
        failed = OSError(errno.EINVAL, f"The name cannot be looked up: {error}")
        settle = partial(_unless_done, found, found.set_exception, failed)
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(settle)


def _unless_done(
    found: asyncio.Future[list[Any]], settle: Callable[[Any], None], outcome: object
) -> None:
    if not found.done():
        settle(outcome)


def _look_up(host: str, port: int, family: int) -> list[Any]:
    return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
