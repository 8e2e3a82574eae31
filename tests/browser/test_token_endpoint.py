"""LiveKit's own client packages, unchanged, in a real browser against a real LiveKit and worker."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from livekit import api

from tests.browser.chromium import FOLDER, Browser
from tests.live.conftest import running_worker
from tests.live.stage import Stage, stage
from tests.service import Service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONNECTED = ("listening", "thinking", "speaking", "initializing", "idle")


DEPARTURE_SECONDS = 8
"""A page is reloaded sooner, on a busy machine too."""


@attrs.frozen
class Scene:
    """LiveKit with a worker, the service that tokens come from, and the page's script."""

    stage: Stage
    service: Service
    script: Path
    http: httpx.Client

    def session_ids(self) -> set[str]:
        """Of each session that there is."""
        return {each["sessionId"] for each in self.http.get("/sessions").json()["sessions"]}


@pytest.fixture(scope="module")
def scene(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("tokens")
    script = _bundle(browser, folder)
    place = folder / "worker"
    place.mkdir()
    with (
        stage(folder, departure_seconds=DEPARTURE_SECONDS) as empty,
        empty.service() as service,
        running_worker(empty.environ, place),
        httpx.Client(base_url=service.url, timeout=30) as http,
    ):
        yield Scene(empty, service, script, http)


@attrs.frozen
class Tabs:
    """A browser's tabs with the page, and the service that it fetches tokens from."""

    process: subprocess.Popen[str]
    stage: Stage
    http: httpx.Client
    before: set[str]
    """The ids of the sessions of other tabs."""

    def do(self, action: str, tab: int = 0) -> dict[str, Any]:
        """Return what the tab shows after the action; the tab is opened if it is not."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([tab, action]), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=60)[1]
        shown: dict[str, Any] = json.loads(line)
        return shown

    def rooms(self) -> list[str]:
        """The rooms that LiveKit has."""

        async def ask() -> list[str]:
            async with self._livekit() as livekit:
                found = await livekit.room.list_rooms(api.ListRoomsRequest())
                return [room.name for room in found.rooms]

        return asyncio.run(ask())

    def participants(self, room: str) -> list[int]:
        """The kinds of a room's participants."""

        async def ask() -> list[int]:
            async with self._livekit() as livekit:
                request = api.ListParticipantsRequest(room=room)
                found = await livekit.room.list_participants(request)
                return sorted(each.kind for each in found.participants)

        return asyncio.run(ask())

    def session_of(self, room: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/sessions/by-room/{room}").json()
        return found

    def sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/sessions").json()["sessions"]
        return [each for each in found if each["sessionId"] not in self.before]

    def talks_with_one_agent(self, shown: dict[str, Any]) -> None:
        assert shown["connection"] == "connected"
        assert shown["agent"] in CONNECTED
        pair = [api.ParticipantInfo.STANDARD, api.ParticipantInfo.AGENT]
        assert self.participants(shown["room"]) == pair
        session = self.session_of(shown["room"])
        assert session["agentDispatched"] is True
        dispatched = [each for each in session["timeline"] if each["what"] == "agent_dispatched"]
        assert len(dispatched) == 1

    def _livekit(self) -> api.LiveKitAPI:
        server = self.stage.server
        return api.LiveKitAPI(server.url, server.api_key, server.api_secret)


@contextmanager
def tabs(
    browser: Browser, scene: Scene, ticket: dict[str, Any] | None = None, /, **options: str
) -> Iterator[Tabs]:
    """A browser; ``options`` are what the page asks for, ``ticket`` what one fixes."""
    before = scene.session_ids()
    headers = {} if ticket is None else _headers(scene.service, ticket)
    page = _page(scene, headers, options)
    with browser.open(FOLDER / "sessions.mjs", page.as_uri()) as process:
        yield Tabs(process, scene.stage, scene.http, before)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def _headers(service: Service, ticket: dict[str, Any]) -> dict[str, str]:
    """What a customer's server gives the page."""
    answer = httpx.post(f"{service.url}/livekit/tickets", json=ticket, timeout=30)
    return {"Authorization": f"Bearer {answer.json()['ticket']}"}


def _bundle(browser: Browser, folder: Path) -> Path:
    script = folder / "page.js"
    subprocess.run(
        [
            browser.node, browser.modules / "esbuild" / "bin" / "esbuild",
            FOLDER / "session_page.mjs", "--bundle", "--format=iife", "--log-level=warning",
            '--define:process.env.NODE_ENV="production"', f"--outfile={script}",
        ],
        env={**os.environ, "NODE_PATH": str(browser.modules)}, check=True,
    )  # fmt: skip
    return script


def _page(scene: Scene, headers: dict[str, str], options: dict[str, str]) -> Path:
    page = scene.script.with_suffix(".html")
    endpoint = {"url": f"{scene.service.url}/livekit/token", "headers": headers}
    page.write_text(
        '<!doctype html><meta charset="utf-8"><div id="root"></div><script>'
        f"window.endpoint = {json.dumps(endpoint)}; window.options = {json.dumps(options)};"
        '</script><script src="page.js"></script>'
    )
    return page


def until_gone(opened: Tabs, room: str) -> None:
    deadline = time.monotonic() + 60
    while room in opened.rooms():
        assert time.monotonic() < deadline, "the room did not close"
        time.sleep(0.5)


def test_a_session_is_fetched_started_ended_started_again_and_reloaded(
    browser: Browser, scene: Scene
) -> None:
    with tabs(browser, scene) as opened:
        # The page fetches a token before anyone presses a button: that is no session.
        assert opened.do("fetched")["tokens"] == [201]
        [unused] = opened.sessions()
        assert unused["roomName"] not in opened.rooms()
        assert (unused["status"], unused["agentDispatched"]) == ("created", False)

        first = opened.do("start")
        opened.talks_with_one_agent(first)
        assert first["room"] == unused["roomName"]

        assert opened.do("end")["connection"] == "disconnected"
        second = opened.do("start")
        opened.talks_with_one_agent(second)
        assert second["room"] != first["room"]
        until_gone(opened, first["room"])

        opened.do("reload")
        third = opened.do("start")
        opened.talks_with_one_agent(third)
        assert third["room"] not in (first["room"], second["room"])
        opened.do("end")
        until_gone(opened, second["room"])
        until_gone(opened, third["room"])

        # What was fetched and not used has no room and no agent.
        used = {first["room"], second["room"], third["room"]}
        others = [each for each in opened.sessions() if each["roomName"] not in used]
        assert others
        assert {each["agentDispatched"] for each in others} == {False}
        assert {each["dispatchedAt"] for each in others} == {None}


def test_two_tabs_of_one_user_in_one_room_have_one_agent(browser: Browser, scene: Scene) -> None:
    options = {"roomName": "shared", "participantIdentity": "user-1", "agentName": "live-agent"}
    with tabs(browser, scene, **options) as opened:
        for tab in (0, 1):
            assert opened.do("fetched", tab)["tokens"] == [201]
        opened.talks_with_one_agent(opened.do("start", 0))
        second = opened.do("start", 1)

        assert opened.do("closed", 0)["connection"] == "disconnected"  # LiveKit keeps the newer one
        opened.talks_with_one_agent(second)
        assert len({each["sessionId"] for each in opened.sessions()}) == 1


def test_a_ticket_is_for_one_session_which_survives_a_reload(
    browser: Browser, scene: Scene
) -> None:
    ticket = {"userIdentity": "user-42", "ttlSeconds": 900}
    with tabs(browser, scene, ticket) as opened:
        assert opened.do("fetched")["tokens"] == [201]
        first = opened.do("start")
        opened.talks_with_one_agent(first)
        assert first["identity"] == "user-42"

        opened.do("reload")
        again = opened.do("start")  # the agent may have left with its user, and comes again
        assert (again["connection"], again["room"]) == ("connected", first["room"])
        assert again["agent"] in CONNECTED
        pair = [api.ParticipantInfo.STANDARD, api.ParticipantInfo.AGENT]
        assert opened.participants(first["room"]) == pair

        ended = opened.http.post("/session/end", json={"roomName": first["room"]})
        assert ended.status_code == 204
        opened.do("closed")
        tokens = opened.do("reload")["tokens"]
        while tokens[-1:] != [401]:  # one may have been fetched before the end was recorded
            fetched = opened.do("fetched")["tokens"]
            assert fetched, tokens
            tokens += fetched
        assert len(opened.sessions()) == 1


def test_a_field_that_may_not_be_set_is_refused_and_the_page_gets_the_reason(
    browser: Browser, scene: Scene
) -> None:
    with tabs(browser, scene, agentName="another-agent") as opened:
        assert opened.do("fetched")["tokens"] == [400]
        assert opened.sessions() == []
