"""GET /events of two replicas on PostgreSQL, between which a listener moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.databases import PostgresServer
from tests.integration.events.test_stream import Served, listening
from tests.service import running
from tests.simulator import SimulatorProcess

KEY = "ann-s-secret-key-0123456789"


@pytest.fixture
def replicas(
    simulator: SimulatorProcess, postgres: PostgresServer, tmp_path: Path
) -> Iterator[list[Served]]:
    """Two services, the second of two processes."""
    environ = {
        **simulator.environ,
        "DATABASE_URL": postgres.new_database(),
        "API_KEYS": f"ann={KEY}",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with ExitStack() as stack:
        yield [
            Served(stack.enter_context(running(environ | workers, tmp_path)), {"ann": KEY})
            for workers in ({}, {"WORKERS": "2"})
        ]


@pytest.mark.slow
def test_a_listener_that_moves_to_the_other_replica_misses_nothing_and_hears_nothing_twice(
    replicas: list[Served],
) -> None:
    one, other = replicas
    kinds = "session.created"
    with listening(other, "ann", type=kinds) as stream:
        started = [one.session("ann")]
        last = stream.next()
    heard = [last]
    for turn in range(6):
        started += [replica.session("ann") for replica in (one, other, one)]
        with listening(replicas[turn % 2], "ann", last_id=heard[-1].id, type=kinds) as stream:
            started.append(replicas[(turn + 1) % 2].session("ann"))
            heard += [stream.next() for _ in range(4)]

    assert [event.data["sessionId"] for event in heard] == started
