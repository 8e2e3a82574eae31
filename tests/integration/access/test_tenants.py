"""Tenants: what one key began is not there for another, on any route of the application.

The requests are made from the application's own list of routes, so that a new one fails here
until it is known what it shows.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest

from domain.access.access import SYSTEM, WORK, Scope
from domain.access.manage_keys import CreateKeyCommand
from domain.inbox.entry import InboxEntry
from domain.inbox.webhook_verifier import WebhookEvent
from domain.recordings.recording import Recording, RecordingSource
from domain.shared.identifiers import CallId, ReportId, SessionId
from domain.shared.pagination import Cursor
from domain.shared.reported import Reported
from domain.transcripts.read_chat_history import items_of
from entrypoints.container import Container
from entrypoints.container import running as opened
from entrypoints.settings import load_settings
from tests.databases import sqlite_in
from tests.integration.http.routes import Route, all_routes
from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import running
from tests.simulator import SimulatorProcess

ROOM: Final = "ann-room"
IDENTITY: Final = "ann-identity"
NUMBER: Final = "+15105550177"
PUBLIC: Final = {
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/health"),
    ("HEAD", "/health"),
    ("GET", "/health/ready"),
    ("HEAD", "/health/ready"),
    ("POST", "/telephony/livekit-webhook"),
    ("GET", "/console"),
    ("GET", "/console/assets/{name:str}"),
    ("GET", "/console/session"),
    ("DELETE", "/console/session"),
    # With a worker's JWT: tests/integration/reports.
    ("POST", "/observability/recordings/v0"),
    ("POST", "/observability/traces/otlp/v0"),
    ("POST", "/observability/logs/otlp/v0"),
    ("POST", "/observability/metrics/otlp/v0"),
    # A signature opens them: tests/unit/recordings/test_playing.py.
    ("GET", "/recordings/{recordingId:str}"),
    ("HEAD", "/recordings/{recordingId:str}"),
}
ENDS: Final = ("POST", "/session/end")
SAVES: Final = ("POST", "/agents")
DELETES: Final = ("DELETE", "/agents/{agentId:str}")
ADDS: Final = ("POST", "/phone-numbers")
REMOVES: Final = ("DELETE", "/phone-numbers/{number:path}")
SEARCHES: Final = ("GET", "/transcripts")
FINDS: Final = ("GET", "/deliveries")
"""A list that needs a filter."""
FOLLOWS: Final = ("GET", "/events")
"""An answer without an end, unless it is asked for what is stored."""
TICKETS: Final = ("POST", "/livekit/tickets")
REPORTS: Final = ("POST", "/sessions/{sessionId:str}/report")
OF_RECORDINGS: Final = {
    ("POST", f"/sessions/{{sessionId:str}}/recording/{what}") for what in ("link", "start", "stop")
}
"""What they show has ids and times, and no room's name."""
SUBSCRIBES: Final = ("POST", "/webhooks")
UNSUBSCRIBES: Final = ("DELETE", "/webhooks/{webhookId:str}")
TESTS: Final = ("POST", "/webhooks/{webhookId:str}/test")
EXTENSIONS: Final = itertools.count(2000)
"""The last digits of numbers of the business, none of which is used twice."""
PRIVATE: Final = (
    "sessionId", "callId", "roomName", "userIdentity", "agentId", "number", "webhookId",
    "deliveryId",
)  # fmt: skip
"""The facts that only Ann and the operator see."""
SCOPES: Final = WORK | {
    Scope.AGENTS_READ,
    Scope.AGENTS_WRITE,
    Scope.PHONE_NUMBERS_READ,
    Scope.PHONE_NUMBERS_WRITE,
    Scope.WEBHOOKS_READ,
    Scope.WEBHOOKS_WRITE,
}

ROUTES: Final = sorted(all_routes(), key=lambda route: (route.name == ENDS, route.name))
GUARDED: Final = [route for route in ROUTES if route.name not in PUBLIC]
OWNED: Final = [route for route in GUARDED if not route.path.startswith("/docs")]
COUNTED: Final = [("GET", "/statistics"), ("GET", "/statistics.csv")]
USED: Final = [
    ("GET", "/sessions/{sessionId:str}/usage"),
    ("GET", "/telephony/calls/{callId:str}/usage"),
]
"""What shows numbers, and no names."""
OPERATORS: Final = [route for route in OWNED if set(route.scopes) == {Scope.ADMIN}]
"""What belongs to the deployment: no tenant has anything in it."""
OF_ROOMS: Final = [
    route for route in GUARDED if route.path.split("/")[1] not in {"publishable-keys", "console"}
]
"""Those of the others show no session: test_publishable_keys tells whose keys are whose."""
FILTERS: Final = [
    (route, name)
    for route in OWNED
    if route not in OPERATORS and "/recording" not in route.path  # which is no list
    if route not in OPERATORS and route.name != FOLLOWS  # nor is that
    if route.name not in COUNTED
    for name in route.filters
]
WIDE: Final = {
    "since": "2000-01-01T00:00:00Z",
    "until": "2200-01-01T00:00:00Z",
    "cursor": Cursor(datetime(2200, 1, 1, tzinfo=UTC), str(uuid.UUID(int=2**128 - 1))).cursor,
    "from": "2000-01-01T00:00:00Z",
    "to": "2200-01-01T00:00:00Z",
    "limit": "200",
    "q": "hello",
}
"""What leaves everything in a list; of the other filters Ann's own record has the value."""


@attrs.frozen
class Keys:
    """A service; Ann's session with her call, and her agent; and keys by what is not for them."""

    client: httpx.Client
    ann: str
    ben: str
    admin: str
    without: dict[tuple[Scope, ...], str]
    """By the scopes that a route asks for: a key with every other one."""
    facts: dict[str, Any]

    @property
    def private(self) -> list[str]:
        return [*(self.facts[name] for name in PRIVATE), NUMBER]

    def ask(self, route: Route, key: str | None, **query: str) -> httpx.Response:
        """The request that is about what is Ann's, as the owner of ``key`` makes it.

        An agent that is saved has a name of its own, and one that is deleted is made for that.
        """
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if route.name == FOLLOWS:
            query = {"follow": "false", **query}
        facts = self.facts
        if route.name == SAVES:
            facts = {**facts, "name": str(uuid.uuid4())}
        if route.name == DELETES:
            facts = {**facts, "agentId": self.save_agent(str(uuid.uuid4()))}
        if route.name == ADDS:
            facts = {**facts, "number": f"+1510555{next(EXTENSIONS)}"}
        if route.name == REMOVES:
            facts = {**facts, "number": self.add_number(f"+1510555{next(EXTENSIONS)}")}
        if route.name == SEARCHES:
            query = {"q": "hello", **query}
        if route.name == FINDS and not {"callId", "eventId"} & query.keys():
            query = {"sessionId": facts["sessionId"], **query}
        if route.name == UNSUBSCRIBES:
            facts = {**facts, "webhookId": self.add_webhook()}
        return self.client.request(
            route.method,
            route.filled(facts),
            params=query,
            json=route.body(facts),
            headers=headers,
        )

    def shows(self, answer: httpx.Response) -> bool:
        """Whether an answer is about what is Ann's."""
        marks = (ROOM, self.facts["webhookId"], self.facts["deliveryId"])
        return any(mark in shown(answer) for mark in marks)

    def save_agent(self, name: str) -> str:
        """Save an agent of Ann's that mentions her room; return its id."""
        body = {"name": name, "description": ROOM}
        answer = self.client.post("/agents", json=body, headers={"X-API-Key": self.ann})
        assert answer.status_code == 201, answer.text
        agent_id: str = answer.json()["agentId"]
        return agent_id

    def add_number(self, number: str) -> str:
        """Let Ann's agent answer ``number``, with a webhook that mentions her room."""
        webhook = {"url": f"https://example.com/{ROOM}"}
        body = {"number": number, "agentId": self.facts["agentId"], "preCallWebhook": webhook}
        answer = self.client.post("/phone-numbers", json=body, headers={"X-API-Key": self.admin})
        assert answer.status_code == 201, answer.text
        return number

    def add_webhook(self) -> str:
        """Add a webhook of Ann's, to which nothing can be delivered; return its id."""
        body = {"url": self.facts["url"], "events": ["*"]}
        answer = self.client.post("/webhooks", json=body, headers={"X-API-Key": self.ann})
        assert answer.status_code == 201, answer.text
        webhook_id: str = answer.json()["webhookId"]
        return webhook_id


@pytest.fixture(scope="module")
def keys(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Keys]:
    folder = tmp_path_factory.mktemp("tenants")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
        "TELEPHONY_ENABLED": "true",
        "RECORDINGS_URL": f"file://{folder}/recordings",
        "WEBHOOK_ALLOW_PRIVATE": "true",
    }
    simulator_process.register_worker("shreya-obnox")
    made = asyncio.run(_make_keys(environ, folder))
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        headers = {"X-API-Key": made["ann"]}
        without = {
            route.scopes: made[f"without {route.scopes}"] for route in OWNED if _others(route)
        }
        facts: dict[str, Any] = {"url": "http://127.0.0.1:1/events", "events": ["*"]}
        keys = Keys(client, made["ann"], made["ben"], made["admin"], without, facts)
        facts["webhookId"] = keys.add_webhook()
        body = {"userIdentity": IDENTITY, "roomName": ROOM}
        started = client.post("/session", json=body, headers=headers).json()
        caller = Caller(room=ROOM, room_sid=_sid(simulator_process), number=NUMBER)
        assert send(client, caller.joined()).status_code == 200
        call = eventually(
            lambda: client.get(f"/telephony/calls/by-room/{ROOM}", headers=headers),
            lambda answer: answer.status_code == 200 and answer.json()["sessionId"],
        ).json()
        facts |= {
            "sessionId": started["sessionId"],
            "callId": call["callId"],
            "roomName": ROOM,
            "userIdentity": IDENTITY,
            "name": "swagger-ui.css",
            "path": "",
            "version": 1,
            "direction": "inbound",
            "numbers": ["+15105550188"],
            "room_name": ROOM,
            "participant_identity": IDENTITY,
            "publishableKeyId": str(uuid.UUID(int=0)),
            "prefix": made["revoked"][:16],
        }
        for kind, path in (("trunk", "trunks"), ("dispatchRule", "dispatch-rules")):
            wanted: dict[str, Any] = {"direction": "inbound", "numbers": ["+15105550199"]}
            admin = {"X-API-Key": made["admin"]}
            there = client.post(f"/telephony/{path}", json=wanted, headers=admin).json()
            facts |= {f"{kind}Id": there[f"{kind}Id"], f"{kind}Ids": [there[f"{kind}Id"]]}
        asyncio.run(_say(environ, folder, facts))
        asyncio.run(_record(environ, folder, facts))
        deliveries = eventually(
            lambda: client.get(f"/webhooks/{facts['webhookId']}/deliveries", headers=headers),
            lambda answer: bool(answer.json()["deliveries"]),
        )
        facts["deliveryId"] = deliveries.json()["deliveries"][0]["deliveryId"]
        facts["eventId"] = asyncio.run(_receive(environ, folder))
        facts["agentId"] = keys.save_agent(str(facts["name"]))
        facts["number"] = keys.add_number(f"+1510555{next(EXTENSIONS)}")
        yield keys


def shown(answer: httpx.Response) -> str:
    """Return an answer's text, with what a token in it says."""
    claims = re.findall(r"eyJ[\w-]+\.([\w-]+)\.", answer.text)
    return answer.text + "".join(
        base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() for text in claims
    )


def code_of(answer: httpx.Response) -> str:
    """The code of an error, which the answer to HEAD has no room for."""
    if answer.request.method == "HEAD":
        return {401: "invalid_api_key", 403: "insufficient_scope"}[answer.status_code]
    code: str = answer.json()["code"]
    return code


def _sid(simulator: SimulatorProcess) -> str:
    room = simulator.room(ROOM)
    assert room is not None
    return str(room["sid"])


async def _say(environ: dict[str, str], folder: Path, facts: dict[str, Any]) -> None:
    """Keep a transcript of Ann's session and call that mentions her room."""
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        session_id, call_id = SessionId(facts["sessionId"]), CallId(facts["callId"])
        session = await container.read_sessions().by_id(session_id.value, SYSTEM)
        reported = Reported(
            report_id=ReportId(str(uuid.UUID(int=7))),
            session_id=session_id,
            call_id=call_id,
            tenant=session.tenant,
        )
        items = items_of([{"id": "item_1", "role": "user", "content": f"hello {ROOM}"}])
        async with container.storage().unit_of_work() as work:
            await work.transcripts.keep(reported, items)
            await work.commit()


async def _record(environ: dict[str, str], folder: Path, facts: dict[str, Any]) -> None:
    """Keep audio of Ann's session and call that mentions her room, and a failure that does."""

    async def audio() -> AsyncIterator[bytes]:
        yield ROOM.encode()

    async with opened(Container(settings=load_settings(environ, folder))) as container:
        session_id, call_id = SessionId(facts["sessionId"]), CallId(facts["callId"])
        session = await container.read_sessions().by_id(session_id.value, SYSTEM)
        reported = Reported(
            report_id=ReportId(str(uuid.UUID(int=8))),
            session_id=session_id,
            call_id=call_id,
            tenant=session.tenant,
        )
        recording = Recording(
            id=container.ids().recording_id(),
            reported=reported,
            source=RecordingSource.REPORT,
            key="reports/ann.ogg",
            created_at=container.clock().now(),
        )
        failed = attrs.evolve(
            recording,
            id=container.ids().recording_id(),
            source=RecordingSource.EGRESS,
            key="egress/ann.ogg",
        ).failed(f"No audio in {ROOM}")
        store = container.recording_store()
        assert store is not None
        await store.put(recording.key, audio(), "audio/ogg")
        async with container.storage().unit_of_work() as work:
            await work.recordings.keep(recording)
            await work.recordings.keep(failed)
            await work.commit()


async def _receive(environ: dict[str, str], folder: Path) -> str:
    """Store an event of Ann's room that was handled; return its id."""
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        now = container.clock().now()
        event = WebhookEvent("EV_ann", "room_started", ROOM, "RM_ann", b"{}")
        entry = InboxEntry(event=event, received_at=now, due_at=now).handled(now)
        assert await container.inbox().add(entry)
    return event.id


def _others(route: Route) -> frozenset[Scope]:
    """The scopes that do not open a route; none for what every scope opens a part of."""
    return frozenset(Scope) - {*route.scopes, Scope.ADMIN}


async def _make_keys(environ: dict[str, str], folder: Path) -> dict[str, str]:
    wanted = {
        "ann": CreateKeyCommand(name="ann", scopes=SCOPES),
        "ben": CreateKeyCommand(name="ben", scopes=SCOPES),
        "admin": CreateKeyCommand(name="admin", scopes=frozenset({Scope.ADMIN})),
        **{
            f"without {route.scopes}": CreateKeyCommand(name="others", scopes=_others(route))
            for route in OWNED
            if _others(route)
        },
        "revoked": CreateKeyCommand(name="revoked"),
    }
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        manage = container.manage_keys()
        return {
            name: (await manage.create(command, SYSTEM)).text for name, command in wanted.items()
        }


def test_these_routes_are_public_and_no_others() -> None:
    assert {route.name for route in ROUTES if route.handler.opt.get("public")} == PUBLIC


def test_every_other_route_names_the_scope_that_it_needs() -> None:
    assert [route.name for route in OWNED if not route.scopes] == []


@pytest.mark.parametrize("key", [None, "wrong", f"blk_{'a' * 12}_{'A' * 43}"])
def test_without_a_key_there_is_nothing(
    keys: Keys, subtests: pytest.Subtests, key: str | None
) -> None:
    for route in GUARDED:
        with subtests.test(" ".join(route.name)):
            answer = keys.ask(route, key)

            assert (answer.status_code, code_of(answer)) == (401, "invalid_api_key")


def test_a_key_without_the_scope_may_not(keys: Keys, subtests: pytest.Subtests) -> None:
    for route in filter(_others, OWNED):
        with subtests.test(" ".join(route.name)):
            answer = keys.ask(route, keys.without[route.scopes])
            assert (answer.status_code, code_of(answer)) == (403, "insufficient_scope")
            if answer.content:
                assert answer.json()["scope"] == " or ".join(route.scopes)


def test_what_is_ann_s_is_not_there_for_ben(keys: Keys, subtests: pytest.Subtests) -> None:
    for route in OF_ROOMS:
        with subtests.test(" ".join(route.name)):
            is_not_there_for_ben(keys, route)


def is_not_there_for_ben(keys: Keys, route: Route) -> None:
    answer = keys.ask(route, keys.ben)

    if set(route.scopes) == {Scope.ADMIN}:
        assert answer.status_code == 403
        return
    told = shown(answer)
    if answer.is_success:
        assert not [fact for fact in keys.private if fact in told]
        assert (answer.status_code == 201) == (route.name in (SAVES, SUBSCRIBES))
        return
    assert answer.status_code == 404
    asked = {*answer.request.url.path.split("/"), ROOM}  # what Ben has said himself
    assert not [fact for fact in keys.private if fact in told and fact not in asked]
    assert keys.client.get("/health").status_code == 200


def test_it_is_there_for_the_operator_and_for_ann(keys: Keys, subtests: pytest.Subtests) -> None:
    """Without this, what is shown to nobody would pass the test above."""
    for route in OF_ROOMS:
        if route in OWNED:
            with subtests.test(" ".join(route.name)):
                is_there_for_the_operator_and_for_ann(keys, route)


def is_there_for_the_operator_and_for_ann(keys: Keys, route: Route) -> None:
    for key in (keys.admin, keys.ann):
        answer = keys.ask(route, key)
        if route.name in (ENDS, DELETES, REMOVES, UNSUBSCRIBES):
            assert answer.status_code == 204
        elif route.name in (SAVES, SUBSCRIBES):
            assert answer.status_code == 201
        elif route.name == TICKETS:  # which are for agents of their own tenant
            assert answer.status_code == (201 if key is keys.ann else 404)
        elif route.name in (*COUNTED, *USED):
            assert answer.is_success
        elif route.name == REPORTS:
            assert answer.json()["items"] == 0
        elif set(route.scopes) == {Scope.ADMIN}:
            assert answer.is_success if key is keys.admin else answer.status_code == 403
        else:
            assert answer.is_success, answer.text
            shows_none = (
                route.method == "HEAD" or route.name in OF_RECORDINGS or route.name == TESTS
            )
            assert shows_none or keys.shows(answer)


def test_statistics_count_what_is_ann_s_for_ann_and_the_operator_alone(keys: Keys) -> None:
    def counted(key: str, **query: str) -> list[tuple[int, int]]:
        headers = {"X-API-Key": key}
        answer = keys.client.get("/statistics", headers=headers, params=query)
        assert answer.status_code == 200, answer.text
        return [(group["sessions"], group["calls"]) for group in answer.json()["groups"]]

    assert counted(keys.ann) == [(1, 1)]
    assert counted(keys.ben) == [(0, 0)]
    assert (1, 1) in counted(keys.admin, groupBy="tenant")
    refused = keys.client.get(
        "/statistics", headers={"X-API-Key": keys.ann}, params={"groupBy": "tenant"}
    )
    assert (refused.status_code, refused.json()["scope"]) == (403, "admin")


@pytest.mark.parametrize(
    ("route", "name"), FILTERS, ids=lambda part: part if isinstance(part, str) else part.path
)
def test_a_list_s_filter_finds_what_is_ann_s_for_ann_alone(
    keys: Keys, route: Route, name: str
) -> None:
    listed = keys.ask(route, keys.ann).json().values()
    [shown, *_] = next(found for found in listed if isinstance(found, list))
    value = shown.get(name) or WIDE.get(name) or keys.facts.get(name)
    if name == "q" and route.path != "/transcripts":
        value = shown["roomName"][:-1]
    assert value, f"{name} filters by what Ann's has not"

    assert keys.shows(keys.ask(route, keys.ann, **{name: value}))
    answer = keys.ask(route, keys.ben, **{name: value})
    if "{" in route.path:  # a list of what belongs to one of Ann's records
        assert answer.status_code == 404
        return
    assert not keys.shows(answer)
    owned = (SAVES[1], SUBSCRIBES[1])
    assert list(answer.json().values()) == [[], None] or route.path in owned
