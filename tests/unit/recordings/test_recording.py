"""A recording, and what LiveKit reports of it."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.agent_config import AgentConfig
from domain.recordings.egress import EgressFact, EgressState
from domain.recordings.recording import (
    Recording,
    RecordingSource,
    RecordingStatus,
    may_record,
    recording_key,
)
from domain.shared.identifiers import RecordingId, ReportId, SessionId
from domain.shared.reported import Reported
from tests.contract.storage.ledgers import NOON, new_session

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
STARTING = Recording(
    id=RecordingId(ID),
    reported=Reported(report_id=ReportId(ID), session_id=SessionId(ID)),
    source=RecordingSource.EGRESS,
    status=RecordingStatus.STARTING,
    key=f"egress/{ID}.ogg",
    created_at=NOON,
)


def fact(state: EgressState, egress_id: str = "EG_1", **other: object) -> EgressFact:
    reported = EgressFact(egress_id=egress_id, room_name="room", state=state)
    return attrs.evolve(reported, **other)  # type: ignore[arg-type]


COURSE = [fact(state) for state in (EgressState.STARTING, EgressState.ACTIVE, EgressState.ENDING)]
COMPLETE = fact(EgressState.COMPLETE, size=1000, duration=timedelta(seconds=3), started_at=NOON)


@pytest.mark.parametrize("end", [COMPLETE, fact(EgressState.FAILED, error="no room")])
def test_facts_in_any_order_and_with_any_loss_come_to_the_same(end: EgressFact) -> None:
    outcomes = set()
    for order in permutations([*COURSE, end, end]):
        recording = STARTING
        for each in order:
            recording = recording.after(each)
        outcomes.add((recording.status, recording.size, recording.duration, recording.error))

    assert outcomes == {
        (RecordingStatus.AVAILABLE, 1000, timedelta(seconds=3), None)
        if end is COMPLETE
        else (RecordingStatus.FAILED, None, None, "no room")
    }


@given(st.lists(st.sampled_from([*COURSE, COMPLETE, fact(EgressState.FAILED)])))
def test_a_state_is_never_undone(facts: list[EgressFact]) -> None:
    recording, statuses = STARTING, list(RecordingStatus)
    for each in facts:
        after = recording.after(each)
        assert statuses.index(after.status) >= statuses.index(recording.status)
        assert recording.is_running or after == recording
        recording = after


def test_another_egress_teaches_nothing() -> None:
    running = STARTING.after(COURSE[1])

    assert running.after(fact(EgressState.FAILED, "EG_2")) == running


def test_the_real_end_corrects_one_that_was_concluded() -> None:
    running = attrs.evolve(STARTING.after(COURSE[1]), absent_since=NOON)
    concluded = running.failed("It was lost.")

    assert concluded.is_concluded
    assert concluded.after(COURSE[1]) == concluded
    corrected = concluded.after(COMPLETE)
    assert (corrected.status, corrected.error) == (RecordingStatus.AVAILABLE, None)
    assert not corrected.is_concluded
    assert corrected.after(fact(EgressState.FAILED)) == corrected
    assert running.recorded(9).is_playable


def test_each_attempt_has_a_key_of_its_own() -> None:
    first = STARTING.claimed(NOON)

    assert first.key == f"egress/{ID}.ogg"
    assert first.claimed(NOON).key == f"egress/{ID}-2.ogg"
    assert recording_key(RecordingSource.REPORT, STARTING.id, "audio/x") == f"reports/{ID}.bin"


def test_a_recording_is_shown_once_its_session_is_known_and_until_it_is_erased() -> None:
    unknown = attrs.evolve(
        STARTING, status=RecordingStatus.AVAILABLE, reported=Reported(report_id=ReportId(ID))
    )
    known = unknown.matched(STARTING.reported)
    erased = known.erased(NOON)

    assert [each.is_playable for each in (unknown, known, erased)] == [False, True, False]
    assert erased.erased(NOON + timedelta(1)) == erased


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, True),
        ({"record": True}, True),
        ({"record": False}, False),
        ({"record": None}, True),
        ({"record": {"format": "mp3"}}, True),  # a worker's own
    ],
)
def test_a_session_forbids_recording_by_false_alone(
    config: dict[str, object], expected: object
) -> None:
    session = new_session(agent_config=AgentConfig.parse(config))

    assert may_record(session) is expected
    kept = attrs.evolve(session, agent_config=session.agent_config.outline)
    assert may_record(kept) is expected  # with STORE_AGENT_CONFIG=false
    assert ("record" in session.metadata()) == ("record" in config)
