"""Connections on which nothing comes cost a service little memory."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.hostile.test_slow_clients import connect, connections, serve_normally
from tests.integration.http.webhooks import eventually
from tests.service import Service

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cold_processes")]

IDLE = 10_000


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= IDLE + 1000, "the test needs more open files: ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_ten_thousand_idle_connections_hold_nobody_up_and_cost_little(patient: Service) -> None:
    (worker,) = patient.process.children()
    serve_normally(patient)

    def memory() -> int:
        resident: int = worker.memory_info().rss
        return resident

    def memory_of_a_wave() -> int:
        """While as many as there are idle have been answered once, or never spoke."""
        with ExitStack() as stack:
            for number in range(IDLE):
                one = stack.enter_context(closing(connect(patient)))
                if number % 2:
                    one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert one.recv(4096).startswith(b"HTTP/1.1 200 ")
            eventually(lambda: connections(worker), lambda held: held >= IDLE)
            serve_normally(patient)
            during = memory()
        eventually(lambda: connections(worker), lambda held: held < IDLE // 20)
        serve_normally(patient)
        return during

    before = memory()
    first = memory_of_a_wave()
    after = memory()
    second = memory_of_a_wave()

    # A few kilobytes each while they are there; what is kept of it serves those who come next.
    assert first < before * 2.5
    assert after < before * 2
    assert second < first * 1.3
