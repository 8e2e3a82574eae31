"""The limit for connections whose client takes nothing is found, and finding it costs nothing."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from entrypoints.http.server.slow_clients import cut_off_after

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux's")

LIMIT = timedelta(seconds=7)
Opened = Callable[[socket.socket], socket.socket]


def limit_of(one: socket.socket) -> int:
    return one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


@pytest.fixture
def opened() -> Iterator[Opened]:
    with ExitStack() as stack:
        yield stack.enter_context


def listener(opened: Opened) -> socket.socket:
    return opened(socket.create_server(("127.0.0.1", 0)))


def connected(opened: Opened, to: socket.socket) -> tuple[socket.socket, socket.socket]:
    """The two ends of a connection: the client's and the accepted one."""
    client = opened(socket.create_connection(to.getsockname()))
    accepted, _ = to.accept()
    return client, opened(accepted)


async def test_who_came_before_the_limit_has_it_too(opened: Opened) -> None:
    server = listener(opened)
    client, early = connected(opened, server)

    cut_off_after(LIMIT)

    _, late = connected(opened, server)
    assert [limit_of(early), limit_of(late)] == [7000, 7000]
    assert limit_of(client) == 0  # whom this process asks is not cut off


async def test_who_was_being_taken_in_meanwhile_has_it_soon(opened: Opened) -> None:
    server = listener(opened)
    opened(socket.create_connection(server.getsockname()))

    cut_off_after(LIMIT)

    accepted = opened(server.accept()[0])
    await asyncio.sleep(1.1)
    assert limit_of(accepted) == 7000


async def test_a_listener_that_comes_later_is_found(opened: Opened) -> None:
    cut_off_after(LIMIT)
    await asyncio.sleep(0.1)

    server = listener(opened)
    await asyncio.sleep(0.1)

    assert limit_of(server) == 7000


async def test_looking_leaves_no_file_open_and_ends_nobodys_lock(
    opened: Opened, tmp_path: Path
) -> None:
    before = os.listdir("/proc/self/fd")
    with (tmp_path / "ledger.db").open("w") as database:
        fcntl.lockf(database, fcntl.LOCK_EX)

        cut_off_after(LIMIT)
        await asyncio.sleep(0.1)

        assert not may_lock(tmp_path / "ledger.db")
    listener(opened)  # so that it looks no more
    await asyncio.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) == len(before) + 1


def may_lock(path: Path) -> bool:
    """Whether another process may."""
    code = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    return subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 0


async def test_without_a_file_left_the_limit_comes_as_soon_as_there_is_one(opened: Opened) -> None:
    server = listener(opened)
    _, early = connected(opened, server)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        cut_off_after(LIMIT)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert limit_of(early) == 0

    for _ in range(300):
        await asyncio.sleep(0.05)
        if limit_of(early):
            break

    assert limit_of(early) == 7000


async def test_the_limit_needs_one_file_for_its_search_and_no_more(opened: Opened) -> None:
    server = listener(opened)
    _, early = connected(opened, server)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))
    try:
        cut_off_after(LIMIT)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert [limit_of(server), limit_of(early)] == [7000, 7000]
