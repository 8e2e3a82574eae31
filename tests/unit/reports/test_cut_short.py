"""A report of many items whose service is killed while it stores them: nothing stays hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.domain_event import EventKind
from domain.privacy.data_subject import DataSubject
from domain.reports import keep_report
from domain.reports.choose_session import agent_of
from domain.reports.report import ABANDONED_AFTER
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.errors import DomainError
from domain.shared.identifiers import Identity, RoomName
from tests.contract.storage.ledgers import NOON, new_session
from tests.reports import JOB, ROOM_SID, SUMMARY, chat_history
from tests.unit.reports.reported import ANNOUNCED, Desk
from tests.unit.reports.test_any_fault import Faults
from tests.unit.reports.test_match_reports import learns_its_room
from tests.unit.reports.test_post_report import post, tokens
from tests.unit.worlds.fakes import FakeClock

TEXTS = [f"word {number}" for number in range(5)]
ITEMS = [
    {
        "id": f"item_{number}", "type": "message", "role": "user", "content": [text],
        "created_at": 1795789012.5 + number,
    }
    for number, text in enumerate(TEXTS)
]  # fmt: skip
PARTS = {"chat_history": chat_history(ITEMS)}
LONG = ABANDONED_AFTER.total_seconds()


@contextmanager
def small_parts() -> Iterator[None]:
    """Each item is stored in a transaction of its own, the last one with the report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keep_report, "AT_ONCE", 1)
        patch.setattr(keep_report, "PART", 1)
        yield


@pytest.fixture(autouse=True)
def _in_small_parts() -> Iterator[None]:
    with small_parts():
        yield


async def upload_killed(desk: Desk, commits: int, room: str = SUMMARY["room"]) -> None:
    """An upload whose service is killed after so many of its six commits."""
    faults = Faults(desk, [*[""] * (commits - 1), "killed"] if commits else ["before"])
    with suppress(asyncio.CancelledError, DomainError):
        await desk.upload(parts=PARTS, room=room)
    faults.plan.clear()


def stored(desk: Desk) -> int:
    """How many items there are, seen or not."""
    return len([*chain.from_iterable(desk.ledger.transcripts.by_owner.values())])


async def is_partial(desk: Desk, session: Session) -> bool:
    found: bool = await desk.ledger.transcripts.is_partial(session.id)
    return found


@given(commits=st.integers(0, 6), is_known=st.booleans(), comes_again=st.booleans())
async def test_what_was_stored_is_seen_after_a_while_and_the_whole_once_it_comes_again(
    commits: int, *, is_known: bool, comes_again: bool
) -> None:
    with small_parts():
        desk = Desk()
        session = await desk.begin(new_session(room_sid=ROOM_SID if is_known else None))
        await upload_killed(desk, commits)
        is_whole = commits == 6
        assert await desk.items(session) == (TEXTS if is_known and is_whole else [])
        if not is_known:
            await learns_its_room(desk, session)
        before = stored(desk)

        await desk.later(LONG)

        assert await desk.items(session) == TEXTS[:before]
        assert await is_partial(desk, session) is (0 < commits < 6)
        assert await desk.events() == (ANNOUNCED if is_whole else [])
        if comes_again:
            await desk.upload(parts=PARTS)
            assert await desk.items(session) == TEXTS
            assert not await is_partial(desk, session)
            assert await desk.events() == ANNOUNCED
        assert await desk.later(LONG) == 0
        assert len(desk.ledger.reports.by_id) <= 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("killed"), st.integers(0, 6)),
        st.tuples(st.sampled_from(["whole", "learns", "another", "later"]), st.just(0)),
    ),
    max_size=8,
)


@given(steps=STEPS)
async def test_whatever_happens_the_items_are_one_sessions_and_all_are_seen(
    steps: list[tuple[str, int]],
) -> None:
    """A session of the same room that looks likelier later, as its agent did the job, gets none."""
    with small_parts():
        desk = Desk()
        ours = await desk.begin(new_session(RoomName("a"), tenant="ann"))
        other = new_session(
            RoomName("b"), tenant="ann", room_sid=ROOM_SID, agent_identity=agent_of(JOB)
        )
        done = set[str]()
        for step, commits in steps:
            if step == "killed":
                await upload_killed(desk, commits)
            elif step == "whole":
                await desk.upload(parts=PARTS)
            elif step == "learns" and step not in done:
                await learns_its_room(desk, ours)
            elif step == "another" and step not in done:
                await desk.begin(other)
            elif step == "later":
                await desk.later(LONG)
            done.add(step)
            seen = sorted([await desk.items(each) for each in (ours, other)])
            assert seen == [[], TEXTS[: len(seen[1])]]

        await desk.later(LONG)

        seen = sorted([await desk.items(each) for each in (ours, other)])
        events = await desk.events()
        assert seen[0] == []
        if done & {"learns", "another"}:
            assert len(seen[1]) == stored(desk)
            if "whole" in done:
                assert seen[1] == TEXTS
        assert events.count(EventKind.TRANSCRIPT_READY) == (len(seen[1]) == len(TEXTS))


async def test_a_report_that_was_cut_short_is_pruned_with_what_it_brought() -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))
    await upload_killed(desk, 3)
    assert stored(desk) == 2

    assert await desk.ledger.prune_reports(desk.clock.now() + ABANDONED_AFTER) == 1

    assert (await desk.items(session), stored(desk)) == ([], 0)


async def test_a_report_whose_session_never_became_known_is_pruned_with_what_it_brought() -> None:
    desk = Desk()
    await desk.upload(parts=PARTS)
    assert stored(desk) == 5

    assert await desk.ledger.prune_reports(desk.clock.now() + ABANDONED_AFTER) == 1

    assert stored(desk) == 0


@pytest.mark.parametrize("mentioned_in", ["session", "report"])
async def test_a_person_who_is_forgotten_half_way_is_not_seen_afterwards(mentioned_in: str) -> None:
    desk = Desk()
    identity = Identity("ann" if mentioned_in == "session" else "ben")
    session = new_session(room_sid=ROOM_SID, identity=identity).ended(EndReason.ROOM_FINISHED, NOON)
    await desk.begin(session)
    await upload_killed(desk, 3, room="ann" if mentioned_in == "report" else SUMMARY["room"])
    assert stored(desk) == 2

    await desk.ledger.personal_data.forget(DataSubject.with_identity("ann"))

    assert (await desk.items(session), stored(desk)) == ([], 0)


async def test_what_goes_on_while_its_report_is_erased_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    session = await desk.begin(new_session(room_sid=ROOM_SID))
    sleep, seen = FakeClock.sleep, list[list[str]]()

    async def erase_then_sleep(clock: FakeClock, duration: timedelta) -> None:
        if len(clock.slept) == 1:
            await desk.ledger.prune_reports(clock.now() + ABANDONED_AFTER)
        seen.append(await desk.items(session))
        await sleep(clock, duration)

    monkeypatch.setattr(FakeClock, "sleep", erase_then_sleep)
    await desk.upload(parts=PARTS)

    assert not any(seen)
    assert await desk.items(session) == TEXTS
    assert len(desk.ledger.reports.by_id) == 1


@pytest.mark.parametrize("is_seen", [True, False])
async def test_what_was_posted_and_then_uploaded_in_two_attempts_counts_once(
    *, is_seen: bool
) -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    await post(desk, session, {"usage": SUMMARY["usage"], "chat_history": {"items": ITEMS}})
    await upload_killed(desk, 3)
    await learns_its_room(desk, session)
    if is_seen:
        await desk.later(LONG)

    await desk.upload(parts=PARTS)

    assert await tokens(desk, session) == [120]
    assert await desk.items(session) == TEXTS
    assert sorted(await desk.events()) == sorted(ANNOUNCED)


async def test_posted_items_that_were_cut_short_are_seen_and_made_up_for_by_the_next_post() -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    faults = Faults(desk, ["", "", "killed"])
    with suppress(asyncio.CancelledError):
        await post(desk, session, {"items": ITEMS})
    faults.plan.clear()
    await desk.later(LONG)
    assert await desk.items(session) == TEXTS[:2]
    assert await is_partial(desk, session)

    await post(desk, session, {"items": ITEMS})

    assert await desk.items(session) == TEXTS
    assert not await is_partial(desk, session)
