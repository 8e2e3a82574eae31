"""How the service stops: not ready first, then finished, then gone."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from tests.databases import PostgresServer, sqlite_in
from tests.integration.http import spawned_processes
from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import STOP_LIMIT_SECONDS, Service, running, start
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow


def column(url: str, postgres: PostgresServer, query: str) -> list[str]:
    """Return the values of the one column that ``query`` has."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.partition(":///")[2])) as connection:
            return [row[0] for row in connection.execute(query)]
    return postgres.sql(query, url.partition("?")[0].rpartition("/")[2]).splitlines()


def ready(service: Service) -> int:
    # Not verified: to load the certificates takes longer than the request.
    return httpx.get(f"{service.url}/health/ready", verify=False).status_code


def asked(simulator: SimulatorProcess) -> int:
    """How often LiveKit was asked for a dispatch."""
    return int(simulator.state()["requests"].get("CreateDispatch", 0))


def test_readiness_turns_red_while_requests_are_still_served(
    simulator: SimulatorProcess, processes: dict[str, str], tmp_path: Path
) -> None:
    environ = {**simulator.environ, **processes, "SHUTDOWN_DELAY_SECONDS": "4"}
    service = start(environ, tmp_path)
    assert ready(service) == 200
    family = service.family()

    told = time.monotonic()
    service.process.send_signal(signal.SIGTERM)

    eventually(lambda: {ready(service) for _ in range(8)}, lambda codes: codes == {503})
    answer = httpx.get(f"{service.url}/health/ready")
    assert answer.json()["status"] == "stopping"
    assert httpx.head(f"{service.url}/health/ready").status_code == 503
    assert httpx.post(f"{service.url}/session", json={"userIdentity": "a"}).status_code == 200
    assert service.process.poll() is None
    assert service.process.wait(timeout=STOP_LIMIT_SECONDS) == 0
    assert time.monotonic() - told >= 4
    assert psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)[1] == []


def test_a_second_signal_ends_it_at_once(simulator: SimulatorProcess, tmp_path: Path) -> None:
    environ = {
        **simulator.environ, "DATABASE_URL": "memory://", "SHUTDOWN_DELAY_SECONDS": "60",
    }  # fmt: skip
    service = start(environ, tmp_path)
    family = service.family()
    service.process.send_signal(signal.SIGTERM)
    eventually(lambda: ready(service), lambda code: code == 503)

    service.process.send_signal(signal.SIGTERM)

    assert service.process.wait(timeout=STOP_LIMIT_SECONDS) == 1
    assert psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)[1] == []


def test_a_second_signal_ends_it_at_once_while_it_waits_for_a_request(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)
    family = service.family()
    before = asked(simulator)
    simulator.fault("CreateDispatch", "hang", times=10)
    with ThreadPoolExecutor() as pool:
        body = {"userIdentity": "ann", "roomName": room}
        request = pool.submit(httpx.post, f"{service.url}/session", json=body, timeout=30)
        eventually(lambda: asked(simulator), lambda number: number > before)
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(psutil.TimeoutExpired):
            service.process.wait(timeout=0.5)

        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(timeout=STOP_LIMIT_SECONDS) == 1
        assert psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)[1] == []
        assert isinstance(request.exception(), httpx.TransportError)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_where_every_process_gets_the_signal_the_workers_still_wait_for_their_parent(
    simulator: SimulatorProcess, postgres_url: str, tmp_path: Path, sig: signal.Signals
) -> None:
    """As Ctrl-C does, and systemd unless it is told otherwise."""
    environ = {
        **simulator.environ,
        "DATABASE_URL": postgres_url,
        "WORKERS": "2",
        "SHUTDOWN_DELAY_SECONDS": "4",
    }
    service = start(environ, tmp_path)
    family = service.family()
    told = time.monotonic()
    for member in family:
        member.send_signal(sig)

    eventually(lambda: {ready(service) for _ in range(8)}, lambda codes: codes == {503})
    assert httpx.post(f"{service.url}/session", json={"userIdentity": "a"}).status_code == 200
    assert service.process.wait(timeout=STOP_LIMIT_SECONDS) == 0
    assert time.monotonic() - told >= 4
    assert service.output().count('"stopped"') == 2  # none was killed
    assert psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)[1] == []


def test_a_worker_hears_once_that_it_is_to_stop(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    """Its parent tells it, and the kernel does too when the parent is killed meanwhile."""
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)
    (worker,) = service.process.children()
    simulator.fault("CreateDispatch", "hang", applied=True, seconds=2)
    with ThreadPoolExecutor() as pool:
        body = {"userIdentity": "ann", "roomName": room}
        request = pool.submit(httpx.post, f"{service.url}/session", json=body, timeout=30)
        eventually(lambda: simulator.room(room), bool)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        service.process.kill()
        service.process.wait(timeout=STOP_LIMIT_SECONDS)

        assert request.result().status_code == 200
    worker.wait(timeout=STOP_LIMIT_SECONDS)
    assert '"stopped"' in service.output()


def test_where_a_worker_is_killed_the_others_stop_and_whoever_watches_is_told(
    simulator: SimulatorProcess, processes: dict[str, str], tmp_path: Path
) -> None:
    service = start({**simulator.environ, **processes}, tmp_path)
    family = service.family()

    family[1].kill()

    assert service.process.wait(timeout=STOP_LIMIT_SECONDS) == 1
    assert psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)[1] == []
    assert service.output().count('"stopped"') == int(processes["WORKERS"]) - 1


def test_stopped_in_the_middle_of_it_all_it_has_answered_each_request_well_or_not_at_all(
    simulator: SimulatorProcess,
    processes: dict[str, str],
    postgres: PostgresServer,
    tmp_path: Path,
) -> None:
    service = start({**simulator.environ, **processes}, tmp_path)
    acknowledged: list[str] = []

    def post_until_it_is_gone() -> set[int]:
        codes = set()
        with httpx.Client(base_url=service.url, timeout=30) as client:
            try:
                while True:
                    answer = client.post("/session", json={"userIdentity": "ann"})
                    codes.add(answer.status_code)
                    acknowledged.append(answer.json()["sessionId"])
            except httpx.TransportError:
                return codes

    with ThreadPoolExecutor(16) as pool:
        callers = [pool.submit(post_until_it_is_gone) for _ in range(16)]
        eventually(lambda: len(acknowledged), lambda number: number > 100)
        assert service.stop() == 0

    assert {code for caller in callers for code in caller.result()} == {200}
    url = processes["DATABASE_URL"]
    assert {*column(url, postgres, "SELECT id FROM sessions")} >= {*acknowledged}
    assert not column(url, postgres, "SELECT id FROM sessions WHERE claim_holder IS NOT NULL")


def test_what_hangs_for_ever_does_not_hold_it_up(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    service = start({**simulator.environ, "DATABASE_URL": "memory://"}, tmp_path)
    before = asked(simulator)
    simulator.fault("CreateDispatch", "hang", times=10)
    with ThreadPoolExecutor() as pool:
        body = {"userIdentity": "ann", "roomName": room}
        request = pool.submit(httpx.post, f"{service.url}/session", json=body, timeout=30)
        eventually(lambda: asked(simulator), lambda number: number > before)
        family = service.family()
        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(timeout=STOP_LIMIT_SECONDS) == 0

        assert psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)[1] == []
        request.exception()


def test_another_process_goes_on_at_once_with_what_this_one_could_not_finish(
    simulator: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    database = tmp_path / "ledger.db"
    environ = {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(tmp_path),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }

    def leases() -> list[object]:
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT lease_holder FROM inbox WHERE status = 'pending'"
            return [row[0] for row in connection.execute(query)]

    with running(environ, tmp_path) as first:
        simulator.fault("CreateDispatch", "hang", times=10)
        with httpx.Client(base_url=first.url) as client:
            assert send(client, Caller(room=room, room_sid="RM_s").joined()).is_success
        eventually(leases, lambda holders: holders and holders[0])
        assert first.stop() == 0

        assert leases() == [None]
    simulator.no_faults()
    with running(environ, tmp_path) as second, httpx.Client(base_url=second.url) as client:
        path = f"/telephony/calls/by-room/{room}"
        eventually(lambda: client.get(path), lambda one: one.is_success)


def test_a_replica_that_runs_takes_over_before_the_lease_is_over(
    simulator: SimulatorProcess, postgres: PostgresServer, tmp_path: Path, room: str
) -> None:
    url = postgres.new_database()
    environ = {
        **simulator.environ,
        "DATABASE_URL": url,
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    database = url.partition("?")[0].rpartition("/")[2]

    def entry() -> list[str]:
        query = "SELECT status, coalesce(lease_holder, '') FROM inbox"
        return postgres.sql(query, database).split("|")

    def reconciled() -> str:
        return postgres.sql("SELECT count(*) FROM leases WHERE holder = ''", database)

    with running(environ, tmp_path) as first:
        eventually(reconciled, lambda jobs: jobs == "2")  # and the pruner
        with running(environ, tmp_path):
            simulator.join(room, "sip_+15105550100")
            there = simulator.room(room)
            assert there is not None
            [who] = there["participants"]
            caller = Caller(room=room, room_sid=there["sid"], sid=who["sid"])
            # News so old that LiveKit is asked about the caller before anything is done.
            late = {**json.loads(caller.joined()), "createdAt": int(time.time()) - 10}
            simulator.fault("ListRooms", "hang")
            with httpx.Client(base_url=first.url) as client:
                assert send(client, json.dumps(late).encode()).is_success
            held = eventually(entry, lambda seen: seen[1])
            assert entry() == held
            assert first.stop() == 0
            assert entry()[1] != held[1]
            eventually(entry, lambda seen: seen[0] == "handled")

    assert len(simulator.dispatches(room)) == 1


def test_the_reconciler_s_lease_is_free_once_its_process_has_stopped(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    database = tmp_path / "ledger.db"
    environ = {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(tmp_path),
        "RECONCILE_INTERVAL_SECONDS": "1",
    }

    def holder() -> str:
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT holder FROM leases WHERE name = 'reconcile'"
            return str(connection.execute(query).fetchone()[0])

    with running(environ, tmp_path) as service:
        simulator.fault("ListRooms", "hang", times=10)
        eventually(holder, bool)
        assert service.stop() == 0

    assert holder() == ""
    simulator.no_faults()


def test_a_signal_to_a_worker_that_has_just_begun_does_not_end_it_wrongly(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "SHUTDOWN_DELAY_SECONDS": "1"}
    service = start(environ, tmp_path)
    (worker,) = service.process.children()
    os.kill(worker.pid, signal.SIGUSR1)

    assert ready(service) == 503
    assert httpx.get(f"{service.url}/health").status_code == 200
    assert service.stop() == 0


def test_processes_that_are_spawned_rather_than_forked_serve_and_stop(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    """As by default on macOS, and from Python 3.14 on."""
    environ = {**simulator.environ, "DATABASE_URL": "memory://", "SHUTDOWN_DELAY_SECONDS": "1"}
    service = start(environ, tmp_path, spawned_processes.__name__)

    assert httpx.post(f"{service.url}/session", json={"userIdentity": "a"}).status_code == 200
    service.process.send_signal(signal.SIGTERM)
    eventually(lambda: ready(service), lambda code: code == 503)

    assert service.process.wait(timeout=15) == 0
    assert service.output().count('"stopped"') == 1
