"""`backend events tail`: the ledger's events, or those of a service's stream."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest

from tests.databases import sqlite_in
from tests.integration.cli.backend import LIMIT_SECONDS, Backend
from tests.livekit_server import free_port
from tests.service import Service, start
from tests.simulator import running_simulator

KEY: Final = "ann-s-secret-key-0123456789"
HEADERS: Final = {"X-API-Key": KEY}


@attrs.define
class Followed:
    """A service with a key, which tests may start again, and a command line beside it."""

    environ: dict[str, str]
    folder: Path
    service: Service

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def backend(self) -> Backend:
        return Backend(self.environ, self.folder)

    def session(self) -> str:
        answer = httpx.post(
            f"{self.url}/session", json={"userIdentity": "ann"}, headers=HEADERS, timeout=30
        )
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["sessionId"]
        return session_id

    def restart(self) -> None:
        self.service.kill()
        self.service = start(self.environ, self.folder)

    @contextmanager
    def tail(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The command, which has connected; Ctrl-C ends it without a word."""
        with self.backend.start("events", "tail", *arguments) as process:
            assert process.stderr is not None
            try:
                assert "Ctrl-C" in process.stderr.readline()
                yield process
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=LIMIT_SECONDS)
                assert (process.returncode, "Traceback" in errors) == (0, False), errors
            finally:
                process.kill()


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    folder = tmp_path_factory.mktemp("tail")
    with running_simulator() as simulator:
        simulator.register_worker("shreya-obnox")
        environ = {
            **simulator.environ,
            "DATABASE_URL": sqlite_in(folder),
            "API_KEYS": f"ann={KEY}",
            "RECONCILE_INTERVAL_SECONDS": "86400",
            "PORT": str(free_port()),
        }
        followed = Followed(environ, folder, start(environ, folder))
        try:
            yield followed
        finally:
            followed.service.kill()


def event_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    event: dict[str, Any] = json.loads(process.stdout.readline())
    return event


@pytest.mark.parametrize("source", ["ledger", "stream"])
def test_events_are_printed_as_they_come_by_kind_and_session(
    followed: Followed, source: str
) -> None:
    where = ["--url", followed.url, "--key", KEY] if source == "stream" else []
    with followed.tail("--type", "session.created", "--json", *where) as process:
        first = followed.session()
        event = event_of(process)
        ended = httpx.post(
            f"{followed.url}/session/end",
            json={"roomName": event["data"]["roomName"]},
            headers=HEADERS,
            timeout=30,
        )
        assert ended.status_code == 204
        second = followed.session()

        assert (event["type"], event["sessionId"]) == ("session.created", first)
        assert event_of(process)["sessionId"] == second
    with followed.tail("--session", first, *where):
        followed.session()  # is not the one that is asked for


def test_a_line_has_the_time_the_kind_and_whose_it_is(followed: Followed) -> None:
    with followed.tail("--url", followed.url, "--key", KEY) as process:
        session_id = followed.session()
        assert process.stdout is not None
        at, kind, sequence, session, call, source, _ = process.stdout.readline().split("\t")

    assert at.endswith("Z")
    assert (kind, sequence, session, call, source) == (
        "session.created",
        "1",
        session_id,
        "",
        "api",
    )


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--key", "wrong-key"], "401: This API key is unknown"),
        ([], "401: "),
        (
            ["--key", KEY, "--type", "agent.created"],
            "403: This API key lacks the scope agents:read",
        ),
    ],
)
def test_what_the_service_refuses_is_one_sentence(
    followed: Followed, arguments: list[str], part: str
) -> None:
    result = followed.backend("events", "tail", "--url", followed.url, *arguments)

    assert result.code == 1
    assert part in result.sentence


@pytest.mark.parametrize(
    ("url", "part"),
    [("http://127.0.0.1:1", "cannot be reached"), ("nowhere", "must be the URL of a service")],
)
def test_a_service_that_is_not_there_is_one_sentence(
    followed: Followed, url: str, part: str
) -> None:
    result = followed.backend("events", "tail", "--url", url)

    assert result.code == 1
    assert part in result.sentence


@pytest.mark.slow
def test_when_the_service_was_killed_nothing_is_lost_and_nothing_comes_twice(
    followed: Followed,
) -> None:
    arguments = ("--url", followed.url, "--key", KEY, "--type", "session.created", "--json")
    with followed.tail(*arguments) as process:
        started = [followed.session()]
        heard = [event_of(process)["sessionId"]]
        for _ in range(2):
            followed.restart()
            started += [followed.session() for _ in range(3)]
            heard += [event_of(process)["sessionId"] for _ in range(3)]

    assert heard == started
