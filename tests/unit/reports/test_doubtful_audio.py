"""Audio of a commit that failed is deleted if, and only if, nothing uses it."""

from __future__ import annotations

import pytest

from domain.reports.decide_report import Audio
from domain.reports.doubtful_audio import DoubtfulAudio
from domain.shared.errors import StorageUnavailable
from tests.unit.recordings.world import RecordingWorld


@pytest.fixture
def world() -> RecordingWorld:
    return RecordingWorld()


def doubtful(world: RecordingWorld) -> DoubtfulAudio:
    return DoubtfulAudio(unit_of_work=world.storage.unit_of_work, clock=world.clock, ids=world.ids)


async def test_given_the_commit_got_through_then_the_audio_stays(world: RecordingWorld) -> None:
    session = await world.begun()
    recording = await world.recorded(session)
    doubt = doubtful(world)
    doubt.add(Audio(id=recording.id, key=recording.key, size=recording.size or 0))

    await doubt.settle()
    await world.erase.finish()

    assert [each.id for each in await world.of(session)] == [recording.id]
    assert recording.key in world.store.objects


async def test_given_it_did_not_then_the_audio_is_deleted_with_what_is_erased(
    world: RecordingWorld,
) -> None:
    audio = Audio(id=world.ids.recording_id(), key="reports/lost.ogg", size=3)
    world.store.objects[audio.key] = b"ogg"
    doubt = doubtful(world)
    doubt.add(audio)

    await doubt.settle()
    assert await world.erase.finish() == 1

    assert world.store.objects == {}
    await doubt.settle()  # it no longer waits
    assert await world.erase.finish() == 0


async def test_given_the_ledger_is_out_of_reach_then_it_waits(
    world: RecordingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = Audio(id=world.ids.recording_id(), key="reports/lost.ogg", size=3)
    world.store.objects[audio.key] = b"ogg"
    doubt = doubtful(world)
    doubt.add(audio)

    async def fails(_audio: Audio) -> None:
        raise StorageUnavailable("down")

    with monkeypatch.context() as broken:
        broken.setattr(DoubtfulAudio, "_mark", lambda _self, audio: fails(audio))
        with pytest.raises(StorageUnavailable):
            await doubt.settle()
    await doubt.settle()

    assert await world.erase.finish() == 1
