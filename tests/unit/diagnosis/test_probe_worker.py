"""Whether a worker takes a job is seen by its agent or its job, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from domain.diagnosis.probe_worker import ProbeWorker
from domain.rooms.room import Dispatch, Job, JobStatus, Participant, ParticipantKind, Room
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fakes import FakeClock, SequentialIds

AGENT = Participant("agent-1", ParticipantKind.AGENT)
PERSON = Participant("ann", ParticipantKind.STANDARD)


@attrs.define
class LiveKit:
    """A room that is there once ``found`` has been asked for it ``appears_after`` times."""

    appears_after: int = 0
    there: Sequence[Participant] = ()
    jobs: tuple[Job, ...] = ()
    refuses: bool = False
    asked: int = 0
    deleted: list[str] = attrs.field(factory=list)

    async def find(self, name: RoomName) -> Room | None:
        self.asked += 1
        return Room(name.value, "RM_1") if self.asked > self.appears_after else None

    async def participants(self, _room: Room) -> Sequence[Participant]:
        return self.there

    async def create(self, *_: object) -> str:
        if self.refuses:
            raise LiveKitError("refused")
        return "AD_1"

    async def list(self, _name: RoomName) -> Sequence[Dispatch]:
        return [Dispatch("AD_1", "agent", None, self.jobs)]

    async def delete(self, _name: RoomName, dispatch_id: str | None = None) -> None:
        self.deleted.append(dispatch_id or "room")


def probe(livekit: LiveKit) -> ProbeWorker:
    return ProbeWorker(
        rooms=livekit,  # type: ignore[arg-type] # what is used of it
        dispatcher=livekit,  # type: ignore[arg-type]
        clock=FakeClock(),
        ids=SequentialIds(),
    )


@pytest.mark.parametrize(
    "livekit",
    [
        LiveKit(there=[PERSON, AGENT]),
        LiveKit(jobs=(Job(id="AJ_1", status=JobStatus.RUNNING),)),
        LiveKit(appears_after=3, there=[AGENT]),
    ],
    ids=["its agent is there", "its job is listed", "later"],
)
async def test_a_worker_that_takes_the_job_is_there(livekit: LiveKit) -> None:
    found = await probe(livekit)("agent")

    assert found.taken_after is not None
    assert livekit.deleted == ["AD_1", "room"]


async def test_without_a_worker_nothing_happens_for_as_long_as_it_takes() -> None:
    livekit = LiveKit(there=[PERSON])

    found = await probe(livekit)("agent")

    assert found.taken_after is None
    assert livekit.deleted == ["AD_1", "room"]


@pytest.mark.parametrize(("appears_after", "deleted"), [(0, ["room"]), (1, [])])
async def test_given_an_error_then_a_room_that_was_made_all_the_same_is_deleted(
    appears_after: int, deleted: list[str]
) -> None:
    livekit = LiveKit(appears_after=appears_after, refuses=True)

    with pytest.raises(LiveKitError):
        await probe(livekit)("agent")

    assert livekit.deleted == deleted


async def test_it_says_how_long_the_worker_took() -> None:
    found = await probe(LiveKit(appears_after=2, there=[AGENT]))("agent")

    assert found.taken_after is not None
    assert found.taken_after > timedelta(0)
