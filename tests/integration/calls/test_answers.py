"""A call that rings while its process is killed is seen to be answered by another one.

The reconciler looks once, when a service starts on a new ledger.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.databases import PostgresServer
from tests.integration.calls.test_phone_calls import (
    IDENTITY,
    OUTBOUND,
    Telephony,
    telling_simulator,
)
from tests.livekit_server import free_port
from tests.service import running, start

pytestmark = pytest.mark.slow


def test_given_kill_9_while_calls_ring_then_their_answers_are_known_after_the_start(
    processes: dict[str, str], room: str, tmp_path: Path
) -> None:
    port = free_port()
    with telling_simulator(port) as simulator:
        environ = {
            **simulator.environ,
            **processes,
            "PORT": str(port),
            "TELEPHONY_ENABLED": "true",
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }
        rooms = [f"{room}-{number}" for number in range(3)]
        killed = start(environ, tmp_path)
        with httpx.Client(base_url=killed.url) as client:
            for name in rooms:
                attributes = {**OUTBOUND, "sip.callStatus": "ringing"}
                simulator.join(name, IDENTITY, attributes=attributes)
                Telephony(simulator, client).served(name)
        killed.kill()

        with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
            telephony = Telephony(simulator, client)
            for name in rooms:
                simulator.set_attributes(name, IDENTITY, {"sip.callStatus": "active"})
                call = telephony.call(name, lambda call: call["status"] == "active")
                assert [entry["what"] for entry in call["timeline"]].count("active") == 1


def test_given_kill_9_of_a_replica_then_the_other_knows_of_its_calls_answers(
    postgres: PostgresServer, room: str, tmp_path: Path
) -> None:
    port = free_port()
    with telling_simulator(port) as simulator:
        environ = {
            **simulator.environ,
            "DATABASE_URL": postgres.new_database(),
            "TELEPHONY_ENABLED": "true",
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }
        with running(environ, tmp_path) as other, httpx.Client(base_url=other.url) as client:
            killed = start({**environ, "PORT": str(port)}, tmp_path)
            simulator.join(room, IDENTITY, attributes={**OUTBOUND, "sip.callStatus": "ringing"})
            telephony = Telephony(simulator, client)
            telephony.served(room)
            killed.kill()

            simulator.set_attributes(room, IDENTITY, {"sip.callStatus": "active"})

            telephony.call(room, lambda call: call["status"] == "active")
            assert "a process is dead" in other.output()
