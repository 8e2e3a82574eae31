"""GET /events over real sockets: who hears what, once and in order."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import attrs
import httpx
import pytest

from domain.access.access import SYSTEM, Scope
from domain.access.manage_keys import CreateKeyCommand
from entrypoints.container import Container
from entrypoints.container import running as opened
from entrypoints.settings import load_settings
from tests.databases import sqlite_in
from tests.service import Service, start
from tests.simulator import SimulatorProcess

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


@attrs.frozen
class Served:
    service: Service
    keys: dict[str, str]

    def session(self, tenant: str) -> str:
        """Start a session of the tenant's; its id."""
        answer = httpx.post(
            f"{self.service.url}/session",
            json={"userIdentity": "ann"},
            headers={"X-API-Key": self.keys[tenant]},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["sessionId"]
        return session_id

    def get(self, tenant: str, **query: Any) -> httpx.Response:
        headers = {"X-API-Key": self.keys[tenant]}
        return httpx.get(f"{self.service.url}/events", params=query, headers=headers, timeout=10)


@attrs.frozen
class Event:
    id: str
    kind: str
    data: dict[str, Any]


class Stream:
    """What a listener hears."""

    def __init__(self) -> None:
        self.heard: Queue[Event | None] = Queue()
        self.comments = 0
        self.headers: dict[str, str] = {}

    def next(self) -> Event:
        event = self.heard.get(timeout=15)
        assert event is not None, "the stream ended"
        return event

    def ended(self) -> bool:
        """Return once it has, whatever it heard before: sessions go on."""
        while self.heard.get(timeout=20) is not None:
            pass
        return True


def events_in(text: str) -> list[Event]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in fields:
            data = json.loads(fields["data"])
            found.append(Event(fields.get("id", ""), fields["event"], data))
    return found


@contextmanager
def listening(served: Served, tenant: str, **query: Any) -> Iterator[Stream]:
    stream, opened_ = Stream(), threading.Event()
    last_id, origin = query.pop("last_id", None), query.pop("origin", "https://app.example.com")
    client = httpx.Client(base_url=served.service.url, timeout=30)
    headers = {"X-API-Key": served.keys[tenant], "Origin": origin}
    if last_id:
        headers["Last-Event-ID"] = last_id

    def read() -> None:
        try:
            with client.stream("GET", "/events", params=query, headers=headers) as answer:
                assert answer.status_code == 200
                stream.headers.update(answer.headers)
                text = ""
                for part in answer.iter_text():
                    opened_.set()
                    text += part
                    whole, _, text = text.rpartition("\n\n")
                    for event in events_in(whole):
                        stream.heard.put(event)
        except (httpx.HTTPError, httpx.StreamError):
            pass
        stream.heard.put(None)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert opened_.wait(15)  # the first comment
    try:
        yield stream
    finally:
        client.close()


async def _make_keys(environ: dict[str, str], folder: Path) -> dict[str, str]:
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        manage = container.manage_keys()
        commands = [CreateKeyCommand(name=name, tenant=name) for name in ("acme", "other")]
        scopes = frozenset({Scope.AGENTS_WRITE})
        commands.append(CreateKeyCommand(name="editor", tenant="acme", scopes=scopes))
        return {command.name: (await manage.create(command, SYSTEM)).text for command in commands}


async def _revoke(environ: dict[str, str], folder: Path, tenant: str) -> None:
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        manage = container.manage_keys()
        for key in await manage.all(SYSTEM):
            if key.tenant == tenant:
                await manage.revoke(key.prefix, SYSTEM)


@pytest.fixture(scope="module")
def environ(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("stream")
    return {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
    }


@pytest.fixture(scope="module")
def served(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("service")
    keys = asyncio.run(_make_keys(environ, folder))
    service = start(environ, folder)
    try:
        yield Served(service, keys)
    finally:
        if service.process.poll() is None:
            service.kill()


def test_a_listener_hears_of_its_tenant_s_sessions_only(served: Served) -> None:
    with listening(served, "acme") as acme, listening(served, "other") as other:
        first = served.session("acme")
        theirs = served.session("other")

        heard = acme.next()

        assert (heard.kind, heard.data["sessionId"]) == ("session.created", first)
        assert heard.data["id"] == heard.id
        assert heard.data["data"]["sessionId"] == first
        assert (heard.data["sequence"], heard.data["version"]) == (1, 1)
        assert other.next().data["sessionId"] == theirs
        assert acme.headers["content-type"].startswith("text/event-stream")
        assert acme.headers["x-accel-buffering"] == "no"
        assert acme.headers["access-control-allow-origin"] == "*"


def test_a_listener_that_comes_back_misses_nothing_and_hears_nothing_twice(served: Served) -> None:
    with listening(served, "acme") as stream:
        served.session("acme")
        last = stream.next()
    missed = [served.session("acme") for _ in range(3)]
    with listening(served, "acme", last_id=last.id) as stream:
        later = served.session("acme")

        heard = [stream.next() for _ in range(4)]

    assert [event.data["sessionId"] for event in heard] == [*missed, later]


def test_an_id_that_nobody_knows_resets(served: Served) -> None:
    with listening(served, "acme", lastEventId=UNKNOWN) as stream:
        assert stream.next().kind == "reset"
        session = served.session("acme")
        assert stream.next().data["sessionId"] == session


def test_another_tenant_s_id_is_unknown(served: Served) -> None:
    served.session("other")
    theirs = events_in(served.get("other", follow="false").text)[-1]

    assert events_in(served.get("acme", follow="false", lastEventId=theirs.id).text)[0].kind == (
        "reset"
    )


def test_filters_are_combined(served: Served) -> None:
    session, _ = served.session("acme"), served.session("acme")

    def heard(**query: Any) -> list[str]:
        found = events_in(served.get("acme", follow="false", **query).text)
        return [event.data["sessionId"] for event in found]

    assert heard(sessionId=session) == [session]
    assert heard(sessionId=session, type="session.created") == [session]
    assert heard(sessionId=session, type="session.ended,call.ended") == []
    assert heard(sessionId=session, type=["session.ended", "session.created"]) == [session]
    assert heard(callId=UNKNOWN) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"type": "session.exploded"}, "type"),
        ({"sessionId": "1"}, "sessionId"),
        ({"callId": "1"}, "callId"),
        ({"follow": "perhaps"}, "follow"),
    ],
)
def test_what_no_filter_is_gets_a_clear_error(
    served: Served, query: dict[str, str], field: str
) -> None:
    answer = served.get("acme", **query)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_who_may_read_agents_hears_of_them_unless_on_another_page(served: Served) -> None:
    headers = {"X-API-Key": served.keys["editor"]}
    body = {"name": "support"}
    made = httpx.post(f"{served.service.url}/agents", json=body, headers=headers, timeout=10)
    assert made.status_code == 201, made.text
    served.session("acme")

    def heard(key: str, **sent: str) -> list[str]:
        answer = httpx.get(
            f"{served.service.url}/events",
            params={"follow": "false"},
            headers={"X-API-Key": served.keys[key], **sent},
            timeout=10,
        )
        return [event.kind for event in events_in(answer.text)]

    assert heard("editor") == ["agent.created"]
    assert "agent.created" not in heard("acme")
    assert heard("editor", Origin="https://evil.example") == []
    assert heard("editor", Origin=served.service.url) == ["agent.created"]
    refused = served.get("acme", type="agent.created")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.slow
def test_a_revoked_key_s_streams_end_and_so_do_all_when_the_service_stops(
    served: Served, environ: dict[str, str], tmp_path: Path
) -> None:
    with listening(served, "other") as other, listening(served, "acme") as acme:
        asyncio.run(_revoke(environ, tmp_path, "other"))
        assert other.ended()
        assert served.service.stop() == 0
        assert acme.ended()
