"""What the service tells Prometheus, and what is said of it elsewhere."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain.access.authenticate import REMEMBERED
from tests.databases import PostgresServer, running_postgres, sqlite_in
from tests.integration.http.webhooks import Caller, eventually, impossible_event, send
from tests.livekit_server import API_KEY, API_SECRET, free_port
from tests.service import PROJECT, running
from tests.simulator import SimulatorProcess

DASHBOARD = PROJECT / "deploy" / "grafana" / "backend-livekit.json"
ALERTS = PROJECT / "deploy" / "prometheus" / "alerts.yaml"
DOCUMENT = PROJECT / "docs" / "observability.md"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(client: httpx.Client, **headers: str) -> Samples:
    """Every sample, by its name and labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def client(
    simulator: SimulatorProcess, processes: dict[str, str], tmp_path: Path
) -> Iterator[httpx.Client]:
    environ = {
        **simulator.environ,
        **processes,
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "0.5",
    }
    with running(environ, tmp_path) as service:
        # A connection for each request, so that the workers take turns.
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=service.url, limits=limits) as client:
            yield client


def test_what_happens_is_counted_whichever_process_it_happens_in(
    client: httpx.Client, simulator: SimulatorProcess
) -> None:
    rooms = []
    for _ in range(10):
        answer = client.post("/session", json={"userIdentity": "ann"})
        rooms.append(answer.json()["roomName"])
    simulator.fault("CreateDispatch", "error", status=403)
    assert client.post("/session", json={"userIdentity": "ann"}).status_code == 502
    simulator.no_faults()
    client.get("/nothing-here")
    client.post("/session/end", json={"roomName": rooms[0]})

    found = samples(client)

    count = "backend_http_request_duration_seconds_count"
    assert value(found, count, method="POST", route="/session", status="200") == 10
    assert value(found, count, method="POST", route="/session", status="502") == 1
    assert value(found, count, method="POST", route="/session/end", status="204") == 1
    assert value(found, count, method="GET", route="unmatched", status="404") == 1
    assert value(found, "backend_dispatches_total", outcome="ok") == 10
    assert value(found, "backend_dispatches_total", outcome="refused") == 1
    livekit = "backend_livekit_request_duration_seconds_count"
    assert value(found, livekit, method="DeleteRoom", outcome="ok") == 1
    assert value(found, "backend_live_sessions") == 10
    assert value(found, "backend_ledger_up") == 1
    assert value(found, "backend_group_commit_batch_size_sum") >= 24
    assert value(found, "backend_group_commit_wait_seconds_count") > 0
    (version,) = [labels for name, labels in found if name == "backend_build_info"]
    assert dict(version)["version"]


def test_calls_events_and_the_reconciler_are_told_of(
    client: httpx.Client, simulator: SimulatorProcess
) -> None:
    simulator.make_rooms([{"name": "told-by-nobody", "participants": [
        {"identity": "sip_+15105550100", "kind": "SIP", "attributes": {"sip.callStatus": "active"}}
    ]}])  # fmt: skip
    assert send(client, impossible_event()).status_code == 200
    began = time.time()

    found = eventually(
        lambda: samples(client),
        lambda seen: (
            value(seen, "backend_reconciler_repairs_total", kind="call_added")
            and value(seen, "backend_inbox_events", status="pending")
            and value(seen, "backend_live_calls")  # counted every two seconds
        ),
    )

    assert value(found, "backend_live_calls") == 1
    assert value(found, "backend_inbox_oldest_pending_age_seconds") > 0
    assert value(found, "backend_reconciler_cycle_duration_seconds_count") >= 1
    cycled = value(found, "backend_reconciler_last_success_timestamp_seconds")
    assert began - 60 < cycled <= time.time()
    simulator.close_room("told-by-nobody")


def test_invented_methods_make_no_figures_of_their_own(client: httpx.Client) -> None:
    for number in range(5):
        client.request(f"BREW{number}", "/session")

    methods = {
        dict(labels)["method"]
        for name, labels in samples(client)
        if name == "backend_http_request_duration_seconds_count"
    }

    assert methods <= {"GET", "POST", "other"}


def test_a_livekit_that_is_not_there_is_told_from_one_that_fails(tmp_path: Path) -> None:
    environ = {
        "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}",
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
        "DATABASE_URL": "memory://",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        assert client.post("/session", json={"userIdentity": "ann"}).status_code == 502

        found = samples(client)

    outcomes = {dict(labels)["outcome"] for name, labels in found if "backend_disp" in name}
    assert outcomes == {"unreachable"}


@pytest.mark.slow
def test_several_workers_use_what_they_use_together(
    simulator: SimulatorProcess, postgres: PostgresServer, tmp_path: Path
) -> None:
    environ = {**simulator.environ, "DATABASE_URL": postgres.new_database(), "WORKERS": "2"}
    with running(environ, tmp_path) as service:
        with httpx.Client(base_url=service.url) as client:
            # Both are there once both have been counted.
            workers = eventually(
                lambda: {
                    worker: {Path(file.path) for file in worker.memory_maps() if is_count(file)}
                    for worker in service.process.children()
                },
                lambda seen: sum(map(bool, seen.values())) == 2,
            )
            found = samples(client)
        used = [worker.memory_info().rss for worker, files in workers.items() if files]

    told = found["process_resident_memory_bytes", ()]
    assert max(used) * 1.5 < told < sum(used) * 1.5
    assert found["process_cpu_seconds_total", ()] > 0
    (folder,) = {file.parent for files in workers.values() for file in files}
    assert folder.parent == Path("/dev/shm")  # where no full disk stops who counts
    assert not folder.exists()  # now that the service has stopped


def is_count(file: Any) -> bool:
    return "/backend-metrics-" in file.path


@pytest.mark.slow
def test_without_its_ledger_the_service_still_tells_of_itself(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with running_postgres() as server:
        environ = {**simulator.environ, "DATABASE_URL": server.new_database()}
        with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
            assert value(samples(client), "backend_ledger_up") == 1
            server.stop()

            found = eventually(
                lambda: samples(client), lambda seen: value(seen, "backend_ledger_up") == 0
            )
            time.sleep(REMEMBERED.total_seconds())  # then the ledger is asked for its keys again
            assert value(samples(client), "backend_ledger_up") == 0

            server.start()  # the service is stopped cleanly, which takes a database

    assert ("backend_live_sessions", ()) not in found
    assert value(found, "process_resident_memory_bytes") > 0


# What is written elsewhere about the figures ------------------------------------------------------


@pytest.fixture(scope="module")
def exposed(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """The labels of every metric, by the names that a query may use, after some traffic."""
    folder = tmp_path_factory.mktemp("metrics")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "0.5",
    }
    simulator_process.register_worker("shreya-obnox")
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        simulator_process.fault("ListParticipants", "error", status=403, times=1000)
        simulator_process.make_rooms([{"name": "out of reach", "participants": [
            {"identity": "sip_+15105550100", "kind": "SIP"}
        ]}])  # fmt: skip
        eventually(
            lambda: samples(client),
            lambda found: any(name == "backend_reconciler_failures_total" for name, _ in found),
        )
        simulator_process.no_faults()
        simulator_process.close_room("out of reach")
        client.post("/session", json={"userIdentity": "ann"})
        assert send(client, Caller(room="exposed", room_sid="RM_e").joined()).is_success
        seen = eventually(
            lambda: samples(client),
            lambda found: any(name == "backend_reconciler_repairs_total" for name, _ in found),
        )
    labels: dict[str, set[str]] = {}
    for name, pairs in seen:
        labels.setdefault(name, set()).update(label for label, _ in pairs)
    return labels


def queries() -> list[str]:
    """Every PromQL query of the dashboard and of the alerts."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    dashboard = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    alerts = re.findall(r"^\s*expr: (.+)$", ALERTS.read_text(), re.MULTILINE)
    assert len(dashboard) > 10
    assert len(alerts) > 5
    return dashboard + alerts


@pytest.mark.parametrize("query", queries())
def test_dashboard_and_alerts_ask_for_what_there_is(
    exposed: dict[str, set[str]], query: str
) -> None:
    metrics = re.findall(r"\b((?:backend|process|up)(?:_\w+)?)\b(?:\{([^}]*)\})?", query)
    assert metrics, query
    for name, matchers in metrics:
        if name == "up":  # Prometheus' own
            continue
        assert name in exposed, name
        for label in re.findall(r"(\w+)\s*[=!]~?", matchers):
            assert label in exposed[name] | {"job", "instance"}, label
    for label in re.findall(r"by\s*\(([^)]*)\)", query):
        known = set().union(*(exposed[name] for name, _ in metrics if name != "up"))
        assert {part.strip() for part in label.split(",")} <= known | {"job", "instance", "le"}


def test_the_document_names_every_metric_and_no_other(exposed: dict[str, set[str]]) -> None:
    table = dict(
        re.findall(r"^\| `(backend_\w+)` \| ([^|]*)\|", DOCUMENT.read_text(), re.MULTILINE)
    )
    kinds = re.compile(r"_(count|sum|bucket|created)$")
    seen: dict[str, set[str]] = {}
    for name, labels in exposed.items():
        if name.startswith("backend_") and not name.endswith("_created"):
            seen.setdefault(kinds.sub("", name), set()).update(labels - {"le"})

    assert set(table) == set(seen)
    for name, labels in seen.items():
        assert set(re.findall(r"`(\w+)`", table[name])) == labels, name
