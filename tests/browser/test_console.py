"""The console in a real browser, against the real service and the simulator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest

from domain.access.access import Scope
from tests.browser.conftest import FOLDER, Browser
from tests.integration.access.two_tenants import ANN, BEN, agent_keys, as_
from tests.integration.http.webhooks import Caller, eventually, send
from tests.livekit_server import free_port
from tests.service import PROJECT, Service, start
from tests.simulator import SimulatorProcess, running_simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

XSS: Final = '"><img src=x onerror="globalThis.hacked=1"><svg onload="globalThis.hacked=1">'
VIEWS: Final = ("#/", "#/sessions", "#/calls", "#/agents", "#/phone-numbers", "#/api-keys",
                "#/health")  # fmt: skip


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

    def call(self, room: str, number: str = "+15105550100") -> Caller:
        """A caller's arrival in a room, or the webhook of a room that LiveKit does not know."""
        known = self.simulator.room(room)
        sid = "RM_console" if known is None else str(known["sid"])
        caller = Caller(room=room, room_sid=sid, number=number)
        self.send(caller.joined())
        return caller

    def send(self, event: bytes) -> None:
        with httpx.Client(base_url=self.url) as client:
            assert send(client, event).status_code == 200

    def restart(self) -> None:
        self.service = start(self.environ, self.folder)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    subprocess.run(["sh", "scripts/build_console.sh"], cwd=PROJECT, check=True)
    folder, port = tmp_path_factory.mktemp("console"), free_port()
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
        }
        admin = agent_keys(environ, folder, "ops", scope=Scope.ADMIN)["ops"]
        reader, starter = (
            agent_keys(environ, folder, "cat", scope=scope)["cat"]
            for scope in (Scope.CALLS_READ, Scope.SESSIONS_WRITE)
        )
        service = start(environ, folder)
        made = Stage(simulator, environ, folder, service, admin, reader, starter)
        try:
            yield made
        finally:
            made.service.stop()


@contextmanager
def opened(browser: Browser) -> Iterator[Tab]:
    with browser.open(FOLDER / "console.mjs") as process:
        yield Tab(process)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


@pytest.fixture(scope="module")
def tabs(browser: Browser) -> Iterator[Tab]:
    with opened(browser) as tab:
        yield tab


@pytest.fixture
def tab(tabs: Tab) -> Tab:
    """A tab of a browser that has run before, without its cookies."""
    tabs.do("fresh")
    return tabs


def test_a_wrong_key_is_refused_and_a_right_one_leaves_no_trace_in_the_page(
    stage: Stage, tab: Tab
) -> None:
    tab.do("open", f"{stage.url}/console")
    tab.do("fill", "API key", "not-a-key-of-this-service")
    tab.do("press", "Sign in")
    tab.do("see", "unknown, expired or revoked")
    tab.do("fill", "API key", ANN)
    tab.do("press", "Sign in")
    tab.do("see", "Sessions live")

    [cookie] = tab.do("cookies")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert ANN not in cookie["value"]
    assert tab.do("evaluate", "document.cookie") == ""
    kept = tab.do("evaluate", "JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept == "[{},{}]"
    tab.do("press", "Sign out")
    tab.do("see", "You are signed out")
    assert tab.do("cookies") == []
    tab.is_well()


def test_a_session_and_a_call_appear_change_and_end_on_screen_without_a_reload(
    stage: Stage, tab: Tab
) -> None:
    tab.sign_in(stage.url, ANN)
    tab.do("see", "Live")
    session = stage.post("/session", ANN, userIdentity="ann", roomName="ann-live")
    tab.do("see", "ann-live")
    tab.do("view", "#/sessions?roomName=ann-live")
    tab.do("see", "active")

    tab.do("view", "#/calls")
    caller = stage.call("ann-live", "+15105550177")
    tab.do("see", "+15105550177")
    tab.do("follow", "+15105550177")
    tab.do("see", "reported by LiveKit's webhook")
    tab.do("see", "agent dispatched")
    stage.send(caller.left())
    tab.do("see", "ended")

    tab.do("view", f"#/sessions/{session['sessionId']}")
    tab.do("see", "agent joined")
    stage.post("/session/end", ANN, roomName="ann-live")
    tab.do("see", "ended by caller")
    assert tab.do("state")["loads"] == 1
    tab.is_well()


def test_another_tenant_s_calls_never_appear(stage: Stage, tab: Tab) -> None:
    tab.sign_in(stage.url, stage.reader)
    tab.do("see", "Live")
    stage.post("/session", BEN, userIdentity="ben-s-user", roomName="ben-s-room")
    stage.call("ben-s-room", "+15105550188")
    eventually(
        lambda: httpx.get(f"{stage.url}/telephony/calls/by-room/ben-s-room", headers=as_(BEN)),
        lambda answer: answer.status_code == 200,
    )
    # What comes later is there: so would be what came before.
    stage.post("/session", stage.starter, userIdentity="cat", roomName="cat-s-later-room")
    tab.do("see", "cat-s-later-room")

    for view in ("#/", "#/sessions", "#/calls"):
        tab.do("view", view)
        tab.do("see", {"#/": "Overview", "#/sessions": "User identity"}.get(view, "Direction"))
        assert "ben-s" not in tab.do("html")
        assert "5550188" not in tab.do("html")
    tab.is_well()


def test_what_strangers_choose_is_text(stage: Stage, tab: Tab) -> None:
    body = {"name": f"Evil {XSS}"[:64], "description": XSS, "agentConfig": {"prompt": XSS}}
    agent = stage.post("/agents", stage.admin, **body)
    config = {"prompt": XSS, "greeting": XSS, "custom": {XSS: XSS}}
    session = stage.post("/session", stage.admin, userIdentity=XSS, agentConfig=config)
    stage.call(f"evil {XSS}", XSS)
    calls = eventually(
        lambda: httpx.get(f"{stage.url}/telephony/calls", headers=as_(stage.admin)).json()["calls"],
        lambda found: any(XSS in call["roomName"] for call in found),
    )
    [call] = [call for call in calls if XSS in call["roomName"]]

    tab.sign_in(stage.url, stage.admin)
    for view in (
        *VIEWS, f"#/sessions/{session['sessionId']}", f"#/calls/{call['callId']}",
        f"#/agents/{agent['agentId']}",
    ):  # fmt: skip
        tab.do("view", view)
        tab.do("evaluate", "document.querySelectorAll('details').forEach(d => d.open = true)")
        if view not in {"#/phone-numbers", "#/api-keys", "#/health", "#/agents"}:
            tab.do("see", "onerror=")
        assert tab.do("evaluate", "document.querySelectorAll('main img').length") == 0
    tab.is_well()


def test_axe_finds_nothing_serious_in_light_or_dark_or_on_a_phone(stage: Stage, tab: Tab) -> None:
    session = stage.post("/session", stage.admin, userIdentity="axe", roomName="axe-room")
    tab.do("open", f"{stage.url}/console")
    tab.do("see", "Sign in with an API key")
    found = {"sign in": tab.do("axe")}
    tab.sign_in(stage.url, stage.admin)
    for view in (*VIEWS, f"#/sessions/{session['sessionId']}"):
        tab.do("view", view)
        for scheme, size in (("light", (1280, 900)), ("dark", (390, 800))):
            tab.do("media", scheme)
            tab.do("size", *size)
            tab.do("evaluate", "new Promise((done) => setTimeout(done, 300))")
            found[f"{view} {scheme}"] = tab.do("axe")
            wide = tab.do("evaluate", "document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{view} is wider than the screen"

    assert {view: problems for view, problems in found.items() if problems} == {}


def test_given_the_service_stops_then_the_console_says_so_and_goes_on_when_it_is_back(
    stage: Stage, tab: Tab
) -> None:
    tab.sign_in(stage.url, ANN)
    tab.do("see", "Live")
    stage.post("/session", ANN, userIdentity="ann", roomName="before-the-stop")
    tab.do("see", "before-the-stop")

    stage.service.stop()
    tab.do("see", "Offline")
    assert "before-the-stop" in tab.do("text")
    stage.restart()
    stage.post("/session", ANN, userIdentity="ann", roomName="while-it-was-away")

    tab.do("see", "while-it-was-away")
    tab.do("gone", "Offline")
    state = tab.do("state")
    assert (state["loads"], state["hacked"], state["refused"]) == (1, None, [])


def test_given_its_key_is_revoked_then_the_console_asks_for_another(stage: Stage, tab: Tab) -> None:
    key = stage.post("/api-keys", stage.admin, name="short", scopes=["calls:read"])
    tab.sign_in(stage.url, key["key"])
    tab.do("see", "Sessions live")
    httpx.delete(f"{stage.url}/api-keys/{key['prefix']}", headers=as_(stage.admin))

    def text_of_another_view() -> str:
        tab.do("view", "#/calls")
        tab.do("view", "#/sessions")
        return str(tab.do("text"))

    eventually(text_of_another_view, lambda text: "API key" in text, seconds=30)


def test_the_keyboard_alone_reaches_the_content(stage: Stage, tab: Tab) -> None:
    tab.sign_in(stage.url, ANN)
    tab.do("evaluate", "document.activeElement.blur()")
    tab.do("key", "Tab")
    assert tab.do("evaluate", "document.activeElement.textContent") == "Skip to content"
    tab.do("key", "Enter")
    assert tab.do("evaluate", "document.activeElement.id") == "main"
    tab.do("view", "#/calls")
    tab.do("see", "Calls")
    assert tab.do("evaluate", "document.title") == "Calls · backend-livekit"
    assert tab.do("evaluate", "document.activeElement.id") == "main"
