"""`backend forget`, `backup` and `restore`, on a database that a service is using."""

from __future__ import annotations

import re
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend
from tests.integration.http.webhooks import Caller, eventually, send
from tests.integration.migrations.later_version import alembic
from tests.service import Service, running
from tests.simulator import SimulatorProcess, running_simulator

pytestmark = pytest.mark.slow

NUMBER = "+15105550166"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with running_simulator() as simulator:
        simulator.register_worker("shreya-obnox")
        yield simulator


def environ(simulator: SimulatorProcess, folder: Path) -> dict[str, str]:
    return {
        **simulator.environ,
        "DATABASE_URL": sqlite_in(folder),
        "TELEPHONY_ENABLED": "true",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }


@pytest.fixture
def service(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Service]:
    with running(environ(simulator, tmp_path), tmp_path) as service:
        yield service


@pytest.fixture
def backend(simulator: SimulatorProcess, tmp_path: Path) -> Backend:
    return Backend(environ(simulator, tmp_path), tmp_path)


def start(url: str, room: str, identity: str = "ann") -> str:
    body = {"userIdentity": identity, "roomName": room}
    session_id: str = httpx.post(f"{url}/session", json=body).raise_for_status().json()["sessionId"]
    return session_id


# forget ------------------------------------------------------------------------------------------


def test_a_caller_is_forgotten_once_the_call_has_ended(service: Service, backend: Backend) -> None:
    caller = Caller(room=f"call-_{NUMBER}_x", room_sid="RM_f", number=NUMBER)
    with httpx.Client(base_url=service.url) as client:
        assert send(client, caller.joined()).is_success
        path = f"/telephony/calls/by-room/{caller.room}"
        eventually(lambda: client.get(path), lambda one: one.is_success and one.json()["sessionId"])

        refused = backend("forget", "--number", NUMBER, "--yes")
        assert refused.code == 1
        assert "2 of their sessions and calls have not ended; end them first." in refused.sentence

        assert send(client, caller.left()).is_success
        client.post("/session/end", json={"roomName": caller.room}).raise_for_status()
        eventually(lambda: client.get(path).json()["status"], lambda status: status == "ended")
        erased = backend.lines("forget", "--number", "1 510 555-0166", "--yes")

        counted = (
            "Erased 1 sessions, 1 calls, 2 webhook events, 0 repeatable answers, 0 tickets, "
            r"[1-9]\d* domain events, 0 items of transcripts, 0 recordings and 0 reports\."
        )
        assert len(erased) == 1
        assert re.fullmatch(counted, erased[0])
        assert client.get(path).status_code == 404
    assert backend.lines("forget", "--number", NUMBER, "--yes") == ["Nothing mentions them."]
    held = b"".join(file.read_bytes() for file in backend.folder.glob("ledger.db*"))
    assert NUMBER[1:].encode() not in held


def test_a_number_is_found_as_it_is_dialled_at_home(service: Service, backend: Backend) -> None:
    config = {"note": "call back: (510) 555-0166"}
    body = {"userIdentity": "ann", "roomName": "noted", "agentConfig": config}
    httpx.post(f"{service.url}/session", json=body).raise_for_status()
    httpx.post(f"{service.url}/session/end", json={"roomName": "noted"}).raise_for_status()

    (told,) = backend.lines("forget", "--number", NUMBER, "--yes")

    assert told.startswith("Erased 1 sessions")


def test_nothing_is_erased_that_nobody_has_confirmed(
    service: Service, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(service.url, "kept", "ben-identity")
    httpx.post(f"{service.url}/session/end", json={"roomName": "kept"}).raise_for_status()

    asked = backend.process("forget", "--identity", "ben-identity")

    assert asked.code == 1
    assert "Erase 1 sessions" in asked.output
    assert httpx.get(f"{service.url}/sessions/by-room/kept").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "Say --number or --identity"),
        (("--number", NUMBER, "--identity", "ann"), 2, "Say --number or --identity"),
        (("--number", "123"), 1, "number must be a telephone number with its country code"),
        (("--identity", " "), 1, "identity must be a participant's, not blank"),
    ],
)
def test_who_is_to_be_forgotten_must_be_said(
    backend: Backend, arguments: tuple[str, ...], code: int, told: str
) -> None:
    result = backend("forget", *arguments)

    assert result.code == code
    assert told in result.errors


# backup and restore -------------------------------------------------------------------------------


def test_a_backup_has_whatever_was_acknowledged_before_it_began(
    service: Service, backend: Backend, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    stop = threading.Event()

    def keep_starting() -> None:
        with httpx.Client(base_url=service.url) as client:
            while not stop.is_set():
                answer = client.post("/session", json={"userIdentity": "ann"})
                acknowledged.append(answer.raise_for_status().json()["sessionId"])

    load = threading.Thread(target=keep_starting)
    load.start()
    try:
        eventually(lambda: len(acknowledged), lambda number: number > 50)
        before = [*acknowledged]
        file = tmp_path / "copy.db"
        told = backend.lines("backup", str(file))
        eventually(lambda: len(acknowledged), lambda number: number > len(before) + 20)
    finally:
        stop.set()
        load.join()

    assert told == [f"Everything that was committed is in {file}."]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    empty = {
        **environ(simulator, tmp_path),
        "DATABASE_URL": f"sqlite+aiosqlite:///{elsewhere}/new.db",
    }
    restored = Backend(empty, elsewhere)
    assert restored.lines("restore", str(file)) == [f"{file} is the database now."]
    with running(empty, elsewhere) as other:
        for session_id in before:
            assert httpx.get(f"{other.url}/sessions/{session_id}").status_code == 200
        start(other.url, "goes-on")


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(
    service: Service, backend: Backend, tmp_path: Path
) -> None:
    there = tmp_path / "there.db"
    there.write_text("precious")

    refused = backend("backup", str(there))
    nowhere = backend("backup", str(tmp_path / "no-folder" / "x.db"))

    assert (refused.code, nowhere.code) == (1, 1)
    assert refused.sentence == f"{there} cannot be made: File exists."
    assert "cannot be made: No such file or directory." in nowhere.sentence
    assert there.read_text() == "precious"


def test_a_database_in_use_is_not_replaced_and_afterwards_it_is_kept(
    backend: Backend, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with running(environ(simulator, tmp_path), tmp_path) as service:
        first = start(service.url, "first")
        file = tmp_path / "copy.db"
        backend.lines("backup", str(file))
        second = start(service.url, "second")
        refused = backend("restore", str(file))
        assert refused.code == 1
        assert "is in use" in refused.sentence
        assert httpx.get(f"{service.url}/sessions/{second}").status_code == 200

    (told,) = backend.lines("restore", str(file))

    old = Path(told.rpartition("The old one is ")[2].removesuffix("."))
    with closing(sqlite3.connect(old)) as before:
        assert len(before.execute("SELECT id FROM sessions").fetchall()) == 2
    with running(environ(simulator, tmp_path), tmp_path) as service:
        assert httpx.get(f"{service.url}/sessions/{first}").status_code == 200
        assert httpx.get(f"{service.url}/sessions/{second}").status_code == 404


def test_what_is_no_backup_replaces_nothing(
    backend: Backend, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with running(environ(simulator, tmp_path), tmp_path) as service:
        session_id = start(service.url, "kept")
    file = tmp_path / "copy.db"
    backend.lines("backup", str(file))
    newer, foreign, damaged = (tmp_path / name for name in ("newer", "foreign", "damaged"))
    newer.write_bytes(file.read_bytes())
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE schema_floor SET version = '9999'")
    with closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("CREATE TABLE theirs (x)")
    damaged.write_bytes(file.read_bytes()[:9000] + b"\xff" * 9000)

    for wrong, told in (
        (tmp_path / "absent", "There is no file"),
        (newer, "has schema 9999; this version of the service knows"),
        (foreign, "is no backup of this service's."),
        (damaged, "damaged"),
    ):
        result = backend("restore", str(wrong))
        assert result.code == 1
        assert told in result.sentence

    with running(environ(simulator, tmp_path), tmp_path) as service:
        assert httpx.get(f"{service.url}/sessions/{session_id}").status_code == 200


def test_a_later_version_s_file_is_copied_and_put_back_where_this_one_works_with_it(
    backend: Backend, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    with running(environ(simulator, tmp_path), tmp_path) as service:
        session_id = start(service.url, "kept")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    file = tmp_path / "copy.db"

    backend.lines("backup", str(file))
    backend.lines("restore", str(file))

    with running(environ(simulator, tmp_path), tmp_path) as service:
        assert httpx.get(f"{service.url}/sessions/{session_id}").status_code == 200


def test_a_backup_of_before_floors_is_put_back_and_migrated(
    backend: Backend, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    url = environ(simulator, tmp_path)["DATABASE_URL"]
    alembic(url, "upgrade", "0003")
    file = tmp_path / "copy.db"
    backend.lines("backup", str(file))

    backend.lines("restore", str(file))

    with running(environ(simulator, tmp_path), tmp_path) as service:
        assert httpx.get(f"{service.url}/health/ready").status_code == 200


def test_postgresql_has_tools_of_its_own(backend: Backend) -> None:
    elsewhere = backend.with_environ(DATABASE_URL="postgresql+asyncpg://u:p@h/d")

    for command in ("backup", "restore"):
        assert "pg_dump" in elsewhere(command, "x").sentence


def test_prompts_are_kept_out_of_the_database_and_agents_get_them(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    settings = {**environ(simulator, tmp_path), "STORE_AGENT_CONFIG": "no"}
    with running(settings, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        first = {"prompt": "the-first-prompt", "llm": "x/first"}
        body = {"userIdentity": "ann", "roomName": "private", "agentConfig": first}
        key = {"Idempotency-Key": "private-1"}
        started = client.post("/session", json=body, headers=key).raise_for_status().json()
        (dispatch,) = simulator.dispatches("private")
        assert "the-first-prompt" in dispatch["metadata"]
        shown = client.get(f"/sessions/{started['sessionId']}").json()["agentConfig"]
        assert shown == {**started["agentConfig"]}
        assert shown["llm"] == "x/first"

        # Its agent is seen and goes; who joins then brings the configuration of the next one.
        eventually(lambda: simulator.agents("private"), bool)
        client.post("/session", json=body).raise_for_status()
        for agent in simulator.agents("private"):
            simulator.leave("private", agent)
        second = {"prompt": "the-second-prompt", "llm": "x/second"}
        body = {"userIdentity": "ben", "roomName": "private", "agentConfig": second}
        joined = eventually(
            lambda: client.post("/session", json=body).raise_for_status().json(),
            lambda answer: answer["agentConfig"]["llm"] == "x/second",
            seconds=40,
        )

        assert joined["sessionId"] == started["sessionId"]
        assert "the-second-prompt" in simulator.dispatches("private")[-1]["metadata"]
        held = b"".join(file.read_bytes() for file in tmp_path.glob("ledger.db*"))
        assert b"-prompt" not in held
