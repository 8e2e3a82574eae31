"""Egress: the simulator answers as livekit-server does, and the port says what it means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from livekit.api import ServerError
from livekit.protocol.egress import (
    EgressInfo,
    EgressStatus,
    EncodedFileOutput,
    FileInfo,
    ListEgressRequest,
    RoomCompositeEgressRequest,
    StopEgressRequest,
)
from livekit.protocol.models import DisconnectReason
from livekit.protocol.room import CreateRoomRequest

from adapters.livekit.client import LiveKitClient
from adapters.livekit.egresses import (
    EgressOutput,
    LiveKitEgresses,
    LiveKitEgressReader,
    egress_fact,
)
from domain.recordings.egress import EgressState
from domain.shared.errors import InvalidWebhook
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitRefused, LiveKitUncertain, LiveKitWithoutEgress
from entrypoints.simulator.server import Simulator
from tests.contract.livekit.conftest import LiveKit, until
from tests.livekit_server import API_KEY, API_SECRET, LiveKitServer

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
KEY = f"egress/{ID}.ogg"
OUTPUT = EgressOutput("/var/lib/recordings/")


@pytest.fixture
def livekit_with_redis(request: pytest.FixtureRequest, livekit: LiveKit) -> LiveKit:
    """The servers with Redis, and without an egress service."""
    if livekit.simulator is not None:
        livekit.simulator.egress.has_worker = False
        return livekit
    server: LiveKitServer = request.getfixturevalue("real_server_with_sip")
    return LiveKit(server.url, None)


async def answers(url: str, room: RoomName) -> dict[str, tuple[int, str, str]]:
    """What a server refuses, by the request."""
    found: dict[str, tuple[int, str, str]] = {}
    async with LiveKitClient(url, API_KEY, API_SECRET) as client:
        await client.rooms.create_room(CreateRoomRequest(name=str(room)))
        output = [EncodedFileOutput(filepath="/x.ogg")]
        nowhere = RoomCompositeEgressRequest(room_name=f"{room}-no", file_outputs=output)
        requests = {
            "list": client.egress.list_egress(ListEgressRequest(room_name=str(room))),
            "find": client.egress.list_egress(ListEgressRequest(egress_id="EG_no")),
            "start": client.egress.start_room_composite_egress(nowhere),
            "stop": client.egress.stop_egress(StopEgressRequest(egress_id="EG_no")),
        }
        for name, asked in requests.items():
            try:
                await asked
            except ServerError as error:
                found[name] = (error.status, str(error.code), error.message)
    return found


NO_REDIS = (500, "internal", "twirp error unknown: egress not connected (redis required)")
NO_ROOM = (404, "not_found", "twirp error unknown: requested room does not exist")
NO_EGRESS = (404, "not_found", "twirp error unknown: egress does not exist")


@pytest.mark.parametrize("kind", ["simulator", "livekit-server"])
async def test_a_server_without_redis(
    kind: str, request: pytest.FixtureRequest, room_name: RoomName
) -> None:
    if kind == "simulator":
        async with Simulator(API_KEY, API_SECRET, sip=False) as simulator:
            found = await answers(simulator.url, room_name)
    else:
        found = await answers(request.getfixturevalue("real_server").url, room_name)

    assert found == {"list": NO_REDIS, "find": NO_REDIS, "start": NO_ROOM, "stop": NO_REDIS}


async def test_a_server_with_redis(livekit_with_redis: LiveKit, room_name: RoomName) -> None:
    found = await answers(livekit_with_redis.url, room_name)

    assert found == {"find": NO_EGRESS, "start": NO_ROOM, "stop": NO_EGRESS}


@pytest.mark.slow
async def test_without_an_egress_service_there_is_no_recording(
    livekit_with_redis: LiveKit, room_name: RoomName
) -> None:
    """The real server takes 25 s to say so."""
    async with LiveKitClient(livekit_with_redis.url, API_KEY, API_SECRET) as client:
        await client.rooms.create_room(CreateRoomRequest(name=str(room_name)))
        egresses = LiveKitEgresses(client, OUTPUT)

        with pytest.raises(LiveKitWithoutEgress, match="at capacity"):
            await egresses.start(room_name, KEY)
        assert await egresses.in_room(room_name) == []


@pytest.fixture
async def egresses(simulator: Simulator) -> AsyncIterator[LiveKitEgresses]:
    async with LiveKitClient(simulator.url, API_KEY, API_SECRET) as client:
        yield LiveKitEgresses(client, OUTPUT)


async def test_an_egress_from_start_to_stop(
    simulator: Simulator, egresses: LiveKitEgresses, room_name: RoomName
) -> None:
    simulator.world.create_room(CreateRoomRequest(name=str(room_name)))

    started = await egresses.start(room_name, KEY)
    assert (started.key, started.recording_id, started.state) == (KEY, ID, EgressState.STARTING)
    [listed] = await egresses.in_room(room_name)
    assert listed.egress_id == started.egress_id
    assert await egresses.stop(started.egress_id)

    async def is_complete() -> bool:
        found = await egresses.find(started.egress_id)
        return found is not None and found.state is EgressState.COMPLETE

    await until(is_complete)
    ended = await egresses.find(started.egress_id)
    assert ended is not None
    assert (ended.key, ended.size) == (KEY, 1000)
    assert ended.duration is not None
    assert not await egresses.stop(started.egress_id)  # a success, as of one that is not known
    assert not await egresses.stop("EG_no")
    assert await egresses.find("EG_no") is None


async def test_an_egress_ends_with_its_room_and_webhooks_tell_of_it(
    simulator: Simulator, egresses: LiveKitEgresses, room_name: RoomName
) -> None:
    simulator.world.create_room(CreateRoomRequest(name=str(room_name)))
    started = await egresses.start(room_name, KEY)
    simulator.world.close_room(str(room_name), DisconnectReason.ROOM_CLOSED)
    await asyncio.sleep(0)

    found = await egresses.find(started.egress_id)

    assert found is not None
    assert found.state is EgressState.COMPLETE
    told = [each.event for each in simulator.webhooks.deliveries if "egress" in each.event]
    assert (told[0], told[-1]) == ("egress_started", "egress_ended")


async def test_an_egress_whose_service_was_killed_is_listed_for_ever_and_answers_no_stop(
    simulator: Simulator, egresses: LiveKitEgresses, room_name: RoomName
) -> None:
    """As livekit-server 1.13.5 did after a SIGKILL of livekit/egress 1.14.1."""
    simulator.world.create_room(CreateRoomRequest(name=str(room_name)))
    started = await egresses.start(room_name, KEY)
    await asyncio.sleep(0)
    simulator.egress.has_worker = False

    with pytest.raises(LiveKitUncertain) as raised:
        await egresses.stop(started.egress_id)
    assert raised.value.timed_out
    simulator.world.close_room(str(room_name), DisconnectReason.ROOM_CLOSED)
    await asyncio.sleep(0)

    found = await egresses.find(started.egress_id)
    assert found is not None
    assert found.state is EgressState.ACTIVE


async def test_a_room_that_is_not_there_is_refused(
    egresses: LiveKitEgresses, room_name: RoomName
) -> None:
    with pytest.raises(LiveKitRefused, match="room does not exist"):
        await egresses.start(room_name, KEY)


def test_what_livekit_reports_is_read() -> None:
    info = EgressInfo(
        egress_id="EG_1",
        room_name="support",
        status=EgressStatus.EGRESS_LIMIT_REACHED,
        file_results=[
            FileInfo(filename=OUTPUT.path(KEY), started_at=10**18, duration=61 * 10**9, size=7)
        ],
    )

    fact = egress_fact(info, OUTPUT)

    assert (fact.key, fact.recording_id, fact.state) == (KEY, ID, EgressState.COMPLETE)
    assert (fact.duration, fact.size) == (timedelta(seconds=61), 7)


@pytest.mark.parametrize(
    "path", ["/elsewhere/x.ogg", "/var/lib/recordings/reports/x.ogg", f"/tmp/{ID}.ogg", ""]
)
def test_other_programs_files_are_none_of_ours(path: str) -> None:
    info = EgressInfo(
        egress_id="EG_1",
        status=EgressStatus.EGRESS_ABORTED,
        error="upload failed: https://minio.internal:9000/my-bucket",
        room_composite=RoomCompositeEgressRequest(file_outputs=[EncodedFileOutput(filepath=path)]),
    )

    fact = egress_fact(info, OUTPUT)

    assert (fact.key, fact.recording_id, fact.state) == (None, None, EgressState.FAILED)
    assert fact.error is not None
    assert "minio" not in fact.error


@pytest.mark.parametrize(
    ("location", "size", "state"),
    [
        (OUTPUT.path(KEY), 44990, EgressState.COMPLETE),
        ("", 44990, EgressState.FAILED),
        (OUTPUT.path(KEY), 0, EgressState.FAILED),
    ],
    ids=["stored", "not stored", "empty"],
)
def test_an_egress_that_failed_after_it_stored_its_audio_has_completed(
    location: str, size: int, state: EgressState
) -> None:
    """livekit/egress 1.14.1 does so after SIGINT and, by its source, for want of CPU."""
    info = EgressInfo(
        egress_id="EG_1",
        status=EgressStatus.EGRESS_FAILED,
        error="server is shutting down",
        error_code=403,
        details="End reason: Process killed",
        file_results=[FileInfo(filename=OUTPUT.path(KEY), location=location, size=size)],
    )

    assert egress_fact(info, OUTPUT).state is state


def test_an_egress_that_was_stopped_before_there_was_audio_says_so() -> None:
    """No one had published a track: livekit/egress 1.14.1 aborts, and reports no duration."""
    info = EgressInfo(
        egress_id="EG_1",
        status=EgressStatus.EGRESS_ABORTED,
        error="Start signal not received",
        error_code=412,
        details="End reason: StopEgress API",
        file_results=[FileInfo(filename=OUTPUT.path(KEY))],
    )

    fact = egress_fact(info, OUTPUT)

    assert (fact.state, fact.started_at, fact.duration) == (EgressState.FAILED, None, None)
    assert fact.error == "The egress ended before there was audio to record."


def test_events_are_read_or_refused() -> None:
    reader = LiveKitEgressReader(OUTPUT)
    body = b'{"egressInfo":{"egressId":"EG_1","status":"EGRESS_ACTIVE","startedAt":"5","x":1}}'

    fact = reader.read(body)

    assert fact is not None
    assert (fact.egress_id, fact.state) == ("EG_1", EgressState.ACTIVE)
    for nothing in (b"{}", b'{"egressInfo":null}', b'{"egressInfo":{}}'):
        assert reader.read(nothing) is None
    for wrong in (b"x", b'{"egressInfo":5}', b'{"egressInfo":{"egressId":[]}}', b"\xff"):
        with pytest.raises(InvalidWebhook):
            reader.read(wrong)
