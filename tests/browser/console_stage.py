"""A service with the console, and a browser's tab that shows it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest

from domain.access.access import Scope
from tests.browser.chromium import FOLDER, Browser
from tests.browser.console_reports import moment
from tests.integration.access.two_tenants import ANN, BEN, agent_keys, as_
from tests.integration.http.webhooks import RULE, Caller, eventually, send
from tests.livekit_server import free_port
from tests.reports import a_header, an_upload, chat_history, multipart, worker_token
from tests.service import PROJECT, Service, start
from tests.simulator import SimulatorProcess, running_simulator

XSS: Final = '"><img src=x onerror="globalThis.hacked=1"><svg onload="globalThis.hacked=1">'


@attrs.frozen
class Tab:
    """A browser's tab."""

    process: subprocess.Popen[str]

    def do(self, action: str, *arguments: object) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([action, *arguments]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=60)[1]
        answer = json.loads(line)
        assert "error" not in answer, f"{action} {arguments}: {answer['error']}"
        return answer["result"]

    def sign_in(self, url: str, key: str) -> None:
        self.do("open", f"{url}/console")
        self.do("see", "Sign in with an API key")
        self.do("fill", "API key", key)
        self.do("press", "Sign in")
        self.do("see", "Overview")

    def is_well(self) -> None:
        """Nothing was refused by the page's policy, failed in it, or came from elsewhere."""
        state = self.do("state")
        assert (state["refused"], state["problems"], state["hacked"]) == ([], [], None)
        assert len(state["hosts"]) == 1


@attrs.define
class Stage:
    """A service of two tenants on a simulator whose webhooks reach it."""

    simulator: SimulatorProcess
    environ: dict[str, str]
    folder: Path
    service: Service
    admin: str
    reader: str
    starter: str
    """Keys of one more tenant, which see no record that belongs to no tenant."""

    @property
    def url(self) -> str:
        return self.service.url

    def post(self, path: str, key: str, **body: object) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}{path}", json=body, headers=as_(key), timeout=30)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def call(
        self, room: str, number: str = "+15105550100", attributes: dict[str, str] | None = None
    ) -> Caller:
        """A caller's arrival in a room, or the webhook of a room that LiveKit does not know.

        ``attributes`` come beside the trunk's.
        """
        known = self.simulator.room(room)
        sid = "RM_console" if known is None else str(known["sid"])
        trunk = {**RULE, **(attributes or {})}
        caller = Caller(room=room, room_sid=sid, number=number, trunk=trunk)
        self.send(caller.joined())
        return caller

    def send(self, event: bytes) -> None:
        with httpx.Client(base_url=self.url) as client:
            assert send(client, event).status_code == 200

    def get(self, path: str, key: str | None = None) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}{path}", headers=as_(key or self.admin), timeout=30)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def report(self, session_id: str, items: list[dict[str, Any]], audio: bytes) -> None:
        """Upload a worker's report of the session, which began to record as it was created."""
        session = eventually(
            lambda: self.get(f"/sessions/{session_id}"), lambda found: found["roomSid"]
        )
        header = a_header(
            room_sid=session["roomSid"],
            job_id=f"AJ_{session_id[-12:]}",
            started_ms=round(moment(session["createdAt"]) * 1000),
        )
        parts = an_upload(header=header, chat_history=chat_history(items), audio=audio)
        answer = httpx.post(
            f"{self.url}/observability/recordings/v0",
            content=multipart(*parts),
            headers={
                "Authorization": f"Bearer {worker_token()}",
                "Content-Type": "multipart/form-data; boundary=b7c1",
            },
            timeout=30,
        )
        assert answer.is_success, answer.text

    def restart(self) -> None:
        self.service = start(self.environ, self.folder)


@contextmanager
def staged(folder: Path, fill: Callable[[str], None] | None = None, **more: str) -> Iterator[Stage]:
    """Serve the console as it is built now; ``fill`` is given the ledger's URL before the start."""
    subprocess.run(["sh", "scripts/build_console.sh"], cwd=PROJECT, check=True)
    port = free_port()
    webhook = f"http://127.0.0.1:{port}/telephony/livekit-webhook"
    with running_simulator([webhook]) as simulator:
        simulator.register_worker("shreya-obnox")
        environ = {
            **simulator.environ,
            "PORT": str(port),
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.db",
            "API_KEYS": f"ann={ANN},ben={BEN}",
            "IDENTITY_CHARSET": "any",
            "TELEPHONY_ENABLED": "true",
            "RECORDINGS_URL": f"file://{folder}/recordings",
            "WEBHOOK_ALLOW_PRIVATE": "true",
            **more,
        }
        admin = agent_keys(environ, folder, "ops", scope=Scope.ADMIN)["ops"]
        reader, starter = (
            agent_keys(environ, folder, "cat", scope=scope)["cat"]
            for scope in (Scope.CALLS_READ, Scope.SESSIONS_WRITE)
        )
        if fill is not None:
            fill(environ["DATABASE_URL"])
        service = start(environ, folder)
        made = Stage(simulator, environ, folder, service, admin, reader, starter)
        try:
            yield made
        finally:
            made.service.stop()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("console")) as made:
        yield made


@contextmanager
def opened(browser: Browser) -> Iterator[Tab]:
    with browser.open(FOLDER / "console.mjs") as process:
        yield Tab(process)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Iterator[Tab]:
    """One browser for tests that have a tab each: one after the other."""
    with opened(browser) as tab:
        yield tab


@pytest.fixture
def tab(tabs: Tab) -> Tab:
    """A tab without cookies, of which nothing is known yet."""
    tabs.do("fresh")
    return tabs
