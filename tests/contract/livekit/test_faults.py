"""What the adapter makes of a LiveKit that is down, slow or lying; nothing is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from livekit.api import ServerError

from adapters.livekit.client import LiveKitClient
from adapters.livekit.http import NotConnected
from domain.rooms.room import Room
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import (
    LiveKitError,
    LiveKitRefused,
    LiveKitRefusesAll,
    LiveKitUncertain,
    LiveKitUnreachable,
)
from entrypoints.simulator.faults import Fault, FaultKind
from entrypoints.simulator.server import Simulator
from tests.contract.livekit.conftest import Adapters, until
from tests.livekit_server import API_KEY, API_SECRET, free_port

ROOM = RoomName("room-1")
CREATE = "CreateDispatch"


@contextlib.asynccontextmanager
async def adapters_over(url: str, patience: float = 2) -> AsyncIterator[Adapters]:
    """With little patience, for tests that wait until it is over, but enough on a busy machine."""
    async with LiveKitClient(
        url,
        API_KEY,
        API_SECRET,
        connect_limit=timedelta(seconds=patience),
        total_limit=timedelta(seconds=patience),
    ) as client:
        yield Adapters.over(client)


@pytest.fixture
async def adapters(simulator: Simulator) -> AsyncIterator[Adapters]:
    async with adapters_over(simulator.url) as adapters:
        yield adapters


async def create(adapters: Adapters) -> LiveKitError:
    """The error with which creating a dispatch ends."""
    with pytest.raises(LiveKitError) as info:
        await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    return info.value


def dispatches(simulator: Simulator) -> int:
    """How many dispatches of agent-a took effect."""
    room = simulator.world.rooms.get(str(ROOM))
    entries = room.dispatches.values() if room else ()
    return sum(entry.agent_name == "agent-a" for entry in entries)


@pytest.mark.parametrize("applied", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize(
    ("kind", "timed_out"),
    [
        (FaultKind.ERROR, False),
        (FaultKind.RESET, False),
        (FaultKind.GARBAGE, False),
        (FaultKind.BLANK, False),
        (FaultKind.EMPTY, False),
        (FaultKind.HANG, True),
    ],
)
async def test_a_request_that_was_sent_and_went_wrong_is_uncertain_and_sent_once(
    simulator: Simulator, adapters: Adapters, kind: FaultKind, *, applied: bool, timed_out: bool
) -> None:
    simulator.faults.add(Fault(method=CREATE, kind=kind, applied=applied))

    error = await create(adapters)

    assert isinstance(error, LiveKitUncertain)
    assert error.timed_out is timed_out
    assert simulator.requests[CREATE] == 1
    assert dispatches(simulator) == int(applied)


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.RESET, FaultKind.HANG])
async def test_nor_is_it_sent_again_over_a_connection_that_was_used_before(
    simulator: Simulator, adapters: Adapters, kind: FaultKind
) -> None:
    await adapters.probe.check()
    simulator.faults.add(Fault(method=CREATE, kind=kind))

    assert isinstance(await create(adapters), LiveKitUncertain)
    assert simulator.requests[CREATE] == 1


async def test_a_request_may_take_effect_after_its_time_out(
    simulator: Simulator, adapters: Adapters
) -> None:
    simulator.faults.add(Fault(method=CREATE, kind=FaultKind.HANG, seconds=2.5))

    error = await create(adapters)

    assert isinstance(error, LiveKitUncertain)
    assert error.timed_out
    assert dispatches(simulator) == 0

    async def took_effect() -> bool:
        return dispatches(simulator) == 1

    await until(took_effect)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, LiveKitRefused),
        (401, LiveKitRefusesAll),
        (403, LiveKitRefusesAll),
        (404, LiveKitRefused),
        (408, LiveKitUncertain),  # Twirp's deadline_exceeded
        (429, LiveKitRefusesAll),
        (500, LiveKitUncertain),
        (502, LiveKitUncertain),
        (504, LiveKitUncertain),
    ],
)
async def test_an_error_status(
    simulator: Simulator, adapters: Adapters, status: int, expected: type[LiveKitError]
) -> None:
    simulator.faults.add(Fault(method=CREATE, kind=FaultKind.ERROR, status=status))

    error = await create(adapters)

    assert type(error) is expected
    assert simulator.requests[CREATE] == 1


async def test_no_one_listening_is_unreachable(simulator: Simulator, adapters: Adapters) -> None:
    await simulator.listener.refuse()

    error = await create(adapters)

    assert isinstance(error, LiveKitUnreachable)
    assert "LIVEKIT_URL" in str(error)
    assert simulator.requests[CREATE] == 0


async def test_it_works_again_after_an_outage(simulator: Simulator, adapters: Adapters) -> None:
    await simulator.listener.refuse()
    assert isinstance(await create(adapters), LiveKitUnreachable)

    await simulator.listener.accept()

    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    assert dispatches(simulator) == 1


async def test_a_host_that_does_not_exist_is_unreachable() -> None:
    async with adapters_over("wss://livekit.invalid") as adapters:
        assert isinstance(await create(adapters), LiveKitUnreachable)


async def test_a_connection_that_is_not_made_in_time_is_unreachable() -> None:
    with contextlib.ExitStack() as sockets:
        full = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # more than its backlog takes: the kernel leaves the next one waiting
            client = sockets.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(full.getsockname())
        async with adapters_over(f"ws://127.0.0.1:{full.getsockname()[1]}") as adapters:
            error = await create(adapters)

    assert isinstance(error, LiveKitUnreachable)
    assert isinstance(error.__cause__, NotConnected)


@pytest.mark.parametrize("answer", [b"[]", b'"no"', b'{"code": 1, "msg": 2}', b"\xff", b""])
async def test_an_error_that_is_not_twirps_is_still_one_of_ours(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 500 no\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(answer) + answer)
        await writer.drain()
        writer.close()

    port = free_port()
    async with (
        await asyncio.start_server(serve, "127.0.0.1", port),
        adapters_over(f"ws://127.0.0.1:{port}") as adapters,
    ):
        assert isinstance(await create(adapters), LiveKitUncertain)


MESSAGES = {
    "a page": (b"200 OK", b"Content-Type: text/html", b"<html>gateway</html>", "text/html"),
    "JSON": (b"200 OK", b"Content-Type: application/json", b"{}", "application/json"),
    "nothing": (b"200 OK", b"X-Proxy: 1", b"", "no content type"),
    "no content": (b"204 No Content", b"X-Proxy: 1", b"", "HTTP 204"),
    "a page that was not found": (
        b"404 Not Found", b"Content-Type: text/html", b'{"code": "not_found"}',
        "HTTP 404 with text/html",
    ),
    "a refusal in another type": (
        b"400 Bad Request", b"Content-Type: application/protobuf", b"", "HTTP 400 with application",
    ),
    "half a message": (b"200 OK", b"Content-Type: application/protobuf", b"\x0a\x7fAD_", "LIVEKIT"),
}  # fmt: skip


@contextlib.asynccontextmanager
async def answering(status: bytes, header: bytes, body: bytes) -> AsyncIterator[Adapters]:
    """The ports to a server that answers everything so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            asked = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(asked.rpartition(b"content-length: ")[2]))
            head = b"HTTP/1.1 %b\r\n%b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % (status, header, len(body)) + body)
            await writer.drain()
        writer.close()

    port = free_port()
    async with (
        await asyncio.start_server(serve, "127.0.0.1", port),
        adapters_over(f"ws://127.0.0.1:{port}", patience=30) as adapters,
    ):
        yield adapters


@pytest.mark.parametrize(("status", "header", "body", "says"), MESSAGES.values(), ids=MESSAGES)
async def test_a_success_that_is_no_answer_of_livekits_is_a_failure_of_every_method(
    status: bytes, header: bytes, body: bytes, says: str
) -> None:
    async with answering(status, header, body) as adapters:
        for ask in (
            lambda: adapters.dispatcher.create(ROOM, "agent-a", "{}"),
            adapters.rooms.all,
            lambda: adapters.rooms.find(ROOM),
            lambda: adapters.rooms.participants(Room(str(ROOM), "RM_1")),
            lambda: adapters.rooms.remove_participant(ROOM, "user-1"),
            lambda: adapters.rooms.delete(ROOM),
            lambda: adapters.dispatcher.list(ROOM),
            lambda: adapters.dispatcher.delete(ROOM, "AD_1"),
            adapters.probe.check,
        ):
            with pytest.raises(LiveKitUncertain, match=says) as info:
                await ask()
            assert "LIVEKIT_URL" in str(info.value)
            assert not info.value.timed_out


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (b"401 Unauthorized", LiveKitRefusesAll),  # livekit-server's own is plain text
        (b"403 Forbidden", LiveKitRefusesAll),
        (b"408 Timeout", LiveKitUncertain),
        (b"429 Too Many Requests", LiveKitRefusesAll),
        (b"502 Bad Gateway", LiveKitUncertain),
        (b"503 Unavailable", LiveKitUncertain),
    ],
)
async def test_given_an_error_without_json_then_its_status_counts_and_its_body_does_not(
    status: bytes, expected: type[LiveKitError]
) -> None:
    body = b'{"code": "not_found", "msg": "a-secret"}'
    async with answering(status, b"Content-Type: text/plain; charset=utf-8", body) as adapters:
        for ask in (
            lambda: adapters.dispatcher.create(ROOM, "agent-a", "{}"),
            lambda: adapters.rooms.delete(ROOM),
        ):
            with pytest.raises(LiveKitError) as info:
                await ask()
            assert type(info.value) is expected
            assert "a-secret" not in str(info.value)


@pytest.mark.parametrize(
    "content_type", [b"application/json", b"Application/JSON; charset=utf-8"], ids=str
)
async def test_given_an_error_in_json_then_livekits_reason_is_in_the_message(
    content_type: bytes,
) -> None:
    body = b'{"code": "invalid_argument", "msg": "no such thing", "meta": {"cause": 1}}'
    async with answering(b"400 No", b"Content-Type: " + content_type, body) as adapters:
        with pytest.raises(LiveKitRefused, match=r"no such thing \(invalid_argument\)") as info:
            await adapters.rooms.find(ROOM)

    assert isinstance(info.value.__cause__, ServerError)
    assert info.value.__cause__.metadata == {"cause": "1"}


async def test_no_rooms_is_an_answer() -> None:
    async with answering(b"200 OK", b"Content-Type: Application/Protobuf", b"") as adapters:
        assert await adapters.rooms.all() == []


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Again", b"308 For ever"])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"https://user:pw@eu.example:8443/x?token=secret", "https://eu.example:8443"),
        (b"https://[::1]/", "https://[::1]"),
        (b"//eu.example/x", "https://eu.example"),
        (b"/login?token=secret", "another address"),
        (b"https://[/", "another address"),
        (b"", "another address"),
    ],
)
async def test_a_redirect_did_nothing_and_is_named_by_its_origin(
    status: bytes, location: bytes, target: str
) -> None:
    async with answering(status, b"Location: " + location, b"") as adapters:
        error = await create(adapters)

    assert type(error) is LiveKitRefused
    assert f"redirects to {target} (HTTP {status[:3].decode()})" in str(error)
    assert "set LIVEKIT_URL" in str(error)
    assert "secret" not in str(error)
    assert "pw" not in str(error)


@pytest.mark.parametrize("status", [b"303 See Other", b"304 Not Modified"])
async def test_after_another_redirect_it_may_have_been_done(status: bytes) -> None:
    async with answering(status, b"Location: https://eu.example/", b"") as adapters:
        assert type(await create(adapters)) is LiveKitUncertain


async def test_a_failure_while_asking_for_the_room_is_not_no_dispatches(
    simulator: Simulator, adapters: Adapters
) -> None:
    await adapters.dispatcher.create(ROOM, "agent-a", "{}")
    simulator.faults.add(Fault(method="ListRooms", kind=FaultKind.ERROR))

    with pytest.raises(LiveKitUncertain):
        await adapters.dispatcher.list(ROOM)

    assert simulator.requests["ListDispatch"] == 0


async def test_the_probe_reports_what_is_wrong(simulator: Simulator, adapters: Adapters) -> None:
    simulator.faults.add(Fault(kind=FaultKind.HANG))
    with pytest.raises(LiveKitUncertain):
        await adapters.probe.check()

    await simulator.listener.refuse()
    with pytest.raises(LiveKitUnreachable):
        await adapters.probe.check()


async def test_a_client_that_is_not_open_is_a_bug() -> None:
    client = LiveKitClient("ws://127.0.0.1:1", API_KEY, API_SECRET)

    with pytest.raises(RuntimeError, match="not open"):
        await Adapters.over(client).probe.check()
