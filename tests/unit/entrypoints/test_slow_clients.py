"""Every accepted connection has the limits for clients that do not read, from the first on."""

from __future__ import annotations

import socket
import sys
from datetime import timedelta

import pytest

from entrypoints.http.server.slow_clients import bound_socket
from tests.livekit_server import free_port

LIMIT = timedelta(seconds=7)


@pytest.mark.parametrize(
    ("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
)
def test_a_connection_inherits_the_limits_of_the_socket_that_accepts_it(
    address: str, family: socket.AddressFamily
) -> None:
    with bound_socket(address, free_port(), LIMIT) as server:
        server.listen(8)
        with socket.create_connection(server.getsockname()[:2]):
            accepted, _ = server.accept()
            with accepted:
                assert server.family == family
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
                # Linux reports twice of what was set: socket(7).
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 64 * 1024
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 64 * 1024
                if sys.platform == "linux":
                    limit = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                    assert limit == 7000


def test_several_processes_can_listen_on_the_same_port() -> None:
    port = free_port()
    with (
        bound_socket("127.0.0.1", port, LIMIT) as first,
        bound_socket("127.0.0.1", port, LIMIT) as second,
    ):
        first.listen(8)
        second.listen(8)


def test_a_socket_does_not_accept_connections_before_it_listens() -> None:
    with (
        bound_socket("127.0.0.1", free_port(), LIMIT) as server,
        pytest.raises(ConnectionRefusedError),
    ):
        socket.create_connection(server.getsockname())


def test_an_address_of_another_machine_is_refused_and_leaves_no_socket_open() -> None:
    with pytest.raises(OSError, match="Cannot assign"):
        bound_socket("192.0.2.1", free_port(), LIMIT)
