"""No request holds the event loop for long, whatever is in it.

What a slice of the loop takes is compared with what this machine takes, in the same test, to read
``REFERENCE``. Both are the thread's processor time, which other processes do not lengthen, and of
several attempts the least counts, as the caches' state is not the request's. Requests go into the
application without a socket.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from litestar.types import ASGIApp

from adapters.livekit.event_reader import LiveKitEventReader
from adapters.phonenumbers.phone_numbers import normalised
from domain.agents.agent_config import AgentConfig
from entrypoints.container import Container, running
from entrypoints.http.app import create_app, limits_of
from entrypoints.http.inbox.schemas import MAX_EVENT_BYTES
from entrypoints.http.middleware.large_answers import LargeAnswers
from entrypoints.http.middleware.overload import MOST_PAGE_BYTES, OVERLOAD
from entrypoints.http.middleware.refusals import Refusals
from entrypoints.http.requests.json_request import MAX_BODY_BYTES
from entrypoints.http.requests.json_shape import MAX_MARKS
from entrypoints.settings import load_settings
from tests.contract.storage.ledgers import NOON, new_session
from tests.databases import sqlite_in
from tests.integration.http.webhooks import token
from tests.livekit_server import API_KEY, API_SECRET

pytestmark = pytest.mark.slow

REFERENCE: Final = json.dumps([{"a": "b", "c": [1, 2, 3]}] * 30_000)
"""Python's json reads it in some 20 ms, which is what a slice of the loop may take."""
ATTEMPTS: Final = 30

_MARKS: Final = MAX_MARKS - 100


def config(inner: bytes) -> bytes:
    return b'{"userIdentity":"a","agentConfig":{"x":' + inner + b"}}"


def many(item: bytes, number: int) -> bytes:
    return b"[" + (item + b",") * (number - 1) + item + b"]"


def keys(item: bytes, number: int) -> bytes:
    return b"{" + b",".join(item % count for count in range(number)) + b"}"


BODIES: Final[dict[str, bytes]] = {
    "nested empty lists": config(many(b"[]", MAX_BODY_BYTES // 3 - 100)),
    "as many lists as are read": config(many(b"[]", _MARKS // 2)),
    "as many objects as are read": config(many(b"{}", _MARKS // 2)),
    "as many numbers as are read": config(many(b"1", _MARKS)),
    "as many long numbers as are read": config(many(b"1.2345678e9", _MARKS)),
    "as many texts as are read": config(many(b'""', _MARKS)),
    "as many keys as are read": config(keys(b'"%d":1', _MARKS)),
    "as many escaped keys as are read": config(keys(b'"\\u0061%d":1', _MARKS)),
    "as many fields as are read": keys(b'"%d":1', _MARKS),
    "one key again and again": config(b"{" + b",".join([b'"a":1'] * _MARKS) + b"}"),
    "rows of the deepest nesting": config(many(b"[" * 99 + b"]" * 99, _MARKS // 101)),
    "deep lists": config(b"[" * 200_000 + b"]" * 200_000),
    "deep objects": config(b'{"a":' * 80_000 + b"1" + b"}" * 80_000),
    "brackets without end": b"[" * MAX_BODY_BYTES,
    "a quotation without end": b'"' + b'\\"' * (MAX_BODY_BYTES // 2 - 1),
    "quotations": config(many(b'""', MAX_BODY_BYTES // 3 - 100)),
    "a long text": config(b'"' + b"a, " * (MAX_BODY_BYTES // 3 - 100) + b'"'),
    "a long escaped text": config(b'"' + b"\\u00e4" * (MAX_BODY_BYTES // 6 - 100) + b'"'),
    "white space": b" " * MAX_BODY_BYTES,
    "a number without end": config(b"1" * (MAX_BODY_BYTES - 100)),
    "numbers that Python converts slowly": config(many(b"1" * 4000, MAX_BODY_BYTES // 4001 - 1)),
    "as many digits as are read": config(many(b"1" * 309, MAX_BODY_BYTES // 310 - 1)),
    "almost too many digits": config(many(b"1" * 309 + b"a", MAX_BODY_BYTES // 311 - 1)),
    "NaN at the end": config(many(b"1", _MARKS - 1)[:-1] + b",NaN]"),
    "NaN under many keys": config(keys(b'"%d":NaN', _MARKS)),
    "half a surrogate pair in many keys": config(keys(b'"%d\\ud800":1', _MARKS - 1)),
    "no end": config(many(b"[]", _MARKS // 2))[:-3],
    "more than may be sent": b" " * (MAX_BODY_BYTES + 1),
}


TARGETS: Final = (
    "/sessions?" + "a=b&" * 4000,
    "/sessions?" + "&" * 16000,
    "/sessions?cursor=" + "A" * 16000,
    "/sessions?cursor=" + "%41" * 5000,
    "/sessions?since=" + "1" * 16000,
    "/sessions?userIdentity=" + "%F0%9F%98%80" * 1300,
    "/telephony/calls?from=" + "1" * 16000,
    "/telephony/calls?from=" + "%2B1" * 4000,
    "/sessions/" + "a" * 16000,
    "/sessions/by-room/" + "%2F" * 5000,
    "/" + "a/" * 8000,
)
GZIPPED: Final = {
    "a bomb": gzip.compress(b"a" * 50_000_000),
    "as much as is taken": gzip.compress(b"[" + b"a" * (MAX_EVENT_BYTES - 10)),
    "many members": gzip.compress(b"a") * (MAX_EVENT_BYTES // len(gzip.compress(b"a"))),
}

EVENT: Final = (
    b'{"event":"participant_joined","room":{"name":"r","sid":"RM_1"},"participant":'
    b'{"identity":"a","sid":"PA_1","attributes":{"lk.agent.name":"ann"%s}}'
)
PARTICIPANTS: Final = {
    "as many attributes as LiveKit takes": b"," + keys(b'"%d":"1"', 12_000)[1:-1] + b"}",
    "as many tracks as are taken": b'},"tracks":'
    + many(b'{"sid":"TR_1","type":"VIDEO","layers":[{"quality":"HIGH"}]}', 15_000),
    "unknown fields": b'}},"new":{"x":' + many(b"[]", 300_000),
}


@attrs.define
class LoopMonitor:
    """The longest slice of the event loop, in milliseconds of processor time."""

    longest: float = 0.0


@contextmanager
def monitored() -> Iterator[LoopMonitor]:
    run, monitor = asyncio.Handle._run, LoopMonitor()

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        monitor.longest = max(monitor.longest, (time.thread_time() - began) * 1000)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", timed)
        yield monitor


@asynccontextmanager
async def application(folder: Path) -> AsyncIterator[tuple[ASGIApp, Container]]:
    settings = load_settings(
        {
            "LIVEKIT_URL": "ws://127.0.0.1:1",
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "DATABASE_URL": sqlite_in(folder),
            "TELEPHONY_ENABLED": "true",
        }
    )
    container = Container(settings=settings)

    @asynccontextmanager
    async def lifespan(_app: Any) -> Any:
        yield

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what Litestar 3 takes away
        litestar = create_app(container, lifespan)
    limits = limits_of(settings, container.refusal_limiter(), container.clock())
    assert limits is not None
    async with running(container):
        gc.collect()
        yield Refusals(LargeAnswers(litestar, litestar.state[OVERLOAD]), limits), container


async def answer(
    app: ASGIApp, method: str, target: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    """Send a request as granian does: a body in chunks of 16 KiB."""
    path, _, query = target.partition("?")
    chunks = [body[start : start + 16384] for start in range(0, len(body), 16384)]
    received = bytearray()
    status = 0

    async def receive() -> Any:
        await asyncio.sleep(0)
        return {
            "type": "http.request",
            "body": chunks.pop(0) if chunks else b"",
            "more_body": bool(chunks),
        }

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            received.extend(message.get("body", b""))

    given = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    await app(scope, receive, send)
    return status, bytes(received)


async def hold(app: ASGIApp, method: str, target: str, body: bytes = b"", **headers: str) -> float:
    """The longest slice of the loop in the best of some attempts, in readings of ``REFERENCE``.

    Both are measured in the same moments: machines are slower at one time than at another.
    """
    longest, readings = [], []
    for _ in range(ATTEMPTS):
        gc.collect()
        with monitored() as monitor:
            status, received = await answer(app, method, target, body, **headers)
        assert status in {200, 201, 400, 404, 409, 413, 502}, received[:300]
        longest.append(monitor.longest)
        readings.append(_reading())
        if min(longest) < min(readings):
            break
    return min(longest) / min(readings)


async def test_no_body_holds_the_loop(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, _):
        await answer(app, "POST", "/session", b"{}")  # what the first request of a process sets up

        took = {name: await hold(app, "POST", "/session", body) for name, body in BODIES.items()}

    assert too_long(took) == {}


AGENTS: Final[dict[str, dict[str, Any]]] = {
    "lists": {"agentConfig": {"x": [[]] * 21_000}},
    "keys": {"agentConfig": {f"k{number}": 1 for number in range(6_000)}},
    "variables": {
        "agentConfig": {"prompt": "{{a}}" * 9_000, "greeting": "{{ b }} "},
        "variables": {"a": "", "b": "x", **{f"v{number}": "x" * 4096 for number in range(98)}},
    },
}
"""Agents of about as much as one may have."""


OVERLAYS: Final[dict[str, Any]] = {
    "nothing": {},
    "lists": {"y": [[]] * 20_000},
    "keys": {f"o{number}": 1 for number in range(6_000)},
}
"""What a session may merge into them."""


async def test_no_agent_holds_the_loop(tmp_path: Path) -> None:
    took = {}
    async with application(tmp_path) as (app, _):
        await answer(app, "POST", "/agents", b"{}")
        for name, fields in AGENTS.items():
            given = json.dumps({"name": name, **fields}).encode()
            status, text = await answer(app, "POST", "/agents", given)
            assert status == 201, text[:300]
            agent_id = json.loads(text)["agentId"]
            change = json.dumps({**fields, "description": name}).encode()
            took[f"a change of {name}"] = await hold(app, "PATCH", f"/agents/{agent_id}", change)
            for what, overlay in OVERLAYS.items():
                session = {"userIdentity": "a", "agentId": agent_id, "agentConfig": overlay}
                sent = json.dumps(session).encode()
                took[f"{what} over {name}"] = await hold(app, "POST", "/session", sent)
        took["the list"] = await hold(app, "GET", "/agents?limit=200")

    assert too_long(took) == {}


async def test_no_path_or_query_holds_the_loop(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, _):
        await answer(app, "GET", "/sessions")

        took = {target[:40]: await hold(app, "GET", target) for target in TARGETS}

    assert too_long(took) == {}


async def test_no_compressed_webhook_holds_the_loop(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, _):
        took = {}
        for name, body in GZIPPED.items():
            headers = {"authorization": token(body), "content_encoding": "gzip"}
            took[name] = await hold(app, "POST", "/telephony/livekit-webhook", body, **headers)

    assert too_long(took) == {}


async def test_no_list_holds_the_loop_and_its_pages_have_all_of_it_once(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, container):
        config = AgentConfig.parse({"prompt": 'a "quotation" ' * 4000})
        stored = [
            new_session(agent_config=config, created_at=NOON + timedelta(seconds=number))
            for number in range(200)
        ]
        async with container.ledger().unit_of_work() as work:
            for session in stored:
                await work.sessions.add(session)
            await work.commit()

        longest = await hold(app, "GET", "/sessions?limit=200")
        pages = [await page(app, "/sessions?limit=200")]
        while (cursor := pages[-1]["nextCursor"]) is not None:
            pages.append(await page(app, f"/sessions?limit=200&cursor={cursor}"))

    assert too_long({"the list": longest}) == {}
    listed = [session["sessionId"] for page in pages for session in page["sessions"]]
    assert listed == [str(session.id) for session in reversed(stored)]
    assert len(pages) > 10


def test_no_event_holds_the_loop_while_it_is_read() -> None:
    took: dict[str, float] = {}
    for name, participant in PARTICIPANTS.items():
        body = EVENT % participant
        longest, readings = [], []
        for _ in range(ATTEMPTS):
            began = time.thread_time()
            event = LiveKitEventReader("sip_", normalised).read(body, NOON)
            longest.append((time.thread_time() - began) * 1000)
            readings.append(_reading())
            if min(longest) < min(readings):
                break
        took[name] = min(longest) / min(readings)
        assert event is not None
        assert event.participant is not None
        assert event.participant.agent_name == "ann"

    assert too_long(took) == {}


async def page(app: ASGIApp, target: str) -> Any:
    status, body = await answer(app, "GET", target)
    assert status == 200
    assert len(body) < MOST_PAGE_BYTES * 1.1
    return json.loads(body)


def too_long(took: dict[str, float]) -> dict[str, float]:
    return {name: readings for name, readings in took.items() if readings > 1}


def _reading() -> float:
    """Return what reading ``REFERENCE`` takes, in milliseconds of processor time."""
    gc.collect()
    began = time.thread_time()
    json.loads(REFERENCE)
    return (time.thread_time() - began) * 1000
