"""Which audio is played, and by which link."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.recordings.recording import RecordingStatus
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.recording_errors import (
    InvalidLink,
    RecordingMissing,
    RecordingStoreUnavailable,
)
from tests.unit.recordings.world import RecordingWorld

ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)


@pytest.fixture
def world() -> RecordingWorld:
    return RecordingWorld()


async def test_the_newest_recording_with_audio_is_played(world: RecordingWorld) -> None:
    session = await world.begun(tenant="ann")
    old, gone = await world.recorded(session), await world.recorded(session, None)
    await world.recorded(session, status=RecordingStatus.FAILED)

    audio = await world.play.of_session(str(session.id), ANN)

    assert (audio.recording.id, audio.size) == (old.id, 4)
    assert b"".join([chunk async for chunk in await audio.read(1, 3)]) == b"gg"
    noted = await world.now(gone)
    assert noted is not None
    assert noted.missing_at is not None
    with pytest.raises(RecordingMissing):
        await world.play.of_session(str(session.id), ANN, str(gone.id))
    world.store.objects[gone.key] = b"back"
    assert (await world.play.of_session(str(session.id), ANN)).recording.id == gone.id
    found = await world.now(gone)
    assert found is not None
    assert found.missing_at is None


async def test_what_is_not_there_is_not_found(world: RecordingWorld) -> None:
    session, other = await world.begun(tenant="ann"), await world.begun(tenant="ann")
    recording = await world.recorded(other)

    for asked in ((str(session.id), ANN), ("x", ANN), (str(other.id), BEN)):
        with pytest.raises(NotFound):
            await world.play.of_session(*asked)
    with pytest.raises(NotFound):
        await world.play.of_session(str(session.id), ANN, str(recording.id))
    with pytest.raises(NotFound):
        await world.play.of_call("x", ANN)
    with pytest.raises(RecordingMissing, match="RECORDINGS_URL"):
        await attrs.evolve(world.play, store=None).of_session(str(other.id), ANN)


async def test_an_object_that_goes_between_two_looks_is_missing(world: RecordingWorld) -> None:
    session = await world.begun()
    recording = await world.recorded(session)
    audio = await world.play.of_session(str(session.id), SYSTEM)
    del world.store.objects[recording.key]

    with pytest.raises(RecordingMissing):
        await audio.read(0, 4)


async def test_a_store_that_is_down_is_no_missing_recording(world: RecordingWorld) -> None:
    session = await world.begun()
    recording = await world.recorded(session)
    world.store.is_down = True

    with pytest.raises(RecordingStoreUnavailable):
        await world.play.of_session(str(session.id), SYSTEM)
    assert await world.now(recording) == recording


def parts(path: str) -> tuple[str, str, str]:
    """The recording, the expiry and the signature of a link."""
    recording_id, _, query = path.removeprefix("/recordings/").partition("?expires=")
    expires, _, signature = query.partition("&signature=")
    return recording_id, expires, signature


async def test_a_link_plays_its_recording_until_it_expires(world: RecordingWorld) -> None:
    session = await world.begun(tenant="ann")
    recording = await world.recorded(session)

    link = await world.link.of_session(str(session.id), ANN, ttl_seconds=60)
    given = parts(link.path)
    assert (await world.play.by_link(*given)).recording == recording
    world.clock.advance(timedelta(seconds=59))
    assert (await world.play.by_link(*given)).recording == recording
    world.clock.advance(timedelta(seconds=2))
    with pytest.raises(InvalidLink):
        await world.play.by_link(*given)


async def test_no_part_of_a_link_can_be_changed(world: RecordingWorld) -> None:
    session = await world.begun()
    await world.recorded(session)
    recording_id, expires, signature = parts(
        (await world.link.of_session(str(session.id), SYSTEM)).path
    )
    other = await world.recorded(session)

    for forged in (
        (str(other.id), expires, signature),
        (recording_id, str(int(expires) + 1), signature),
        (recording_id, f"0{expires}x", signature),
        (recording_id, "٣", signature),
        (recording_id, expires, signature[:-1]),
        (recording_id, expires, signature + "\ud800é"),
        (recording_id, expires, None),
        (recording_id, None, signature),
        (recording_id, "9" * 5000, signature),
        ("x", expires, signature),
    ):
        with pytest.raises(InvalidLink):
            await world.play.by_link(*forged)


async def test_a_link_ends_with_its_recording(world: RecordingWorld) -> None:
    session = await world.begun()
    recording = await world.recorded(session)
    link = await world.link.of_session(str(session.id), SYSTEM)

    await world.erase.one(str(recording.id), SYSTEM)

    with pytest.raises(NotFound):
        await world.play.by_link(*parts(link.path))
    with pytest.raises(NotFound):
        await world.play.by_link(*parts(world.link.to(recording.id).path))


async def test_a_link_is_made_by_who_may_play_and_for_a_short_time(world: RecordingWorld) -> None:
    session = await world.begun(tenant="ann")
    await world.recorded(session, status=RecordingStatus.FAILED)
    with pytest.raises(NotFound):
        await world.link.of_session(str(session.id), ANN)
    await world.recorded(session)

    with pytest.raises(NotFound):
        await world.link.of_session(str(session.id), BEN)
    for seconds in (0, 9, 3601):
        with pytest.raises(InvalidInput):
            await world.link.of_session(str(session.id), ANN, None, seconds)
