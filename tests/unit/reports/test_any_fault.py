"""Whatever fails, and whenever: the worker that tries again ends up with one whole report."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.unit_of_work import MemoryUnitOfWork
from domain.access.access import SYSTEM
from domain.reports.report import Part
from domain.shared.errors import Conflict, StorageUnavailable
from tests.contract.storage.ledgers import new_session
from tests.reports import OGG, ROOM_SID, a_header
from tests.unit.reports.reported import ANNOUNCED, Desk, chunked


@attrs.define
class Faults:
    """Makes commits fail: ``before`` they are carried out, or after (``lost``), or as ``races``."""

    desk: Desk
    plan: list[str]
    begin: Any = None

    def __attrs_post_init__(self) -> None:
        self.begin = self.desk.ledger.unit_of_work
        self.desk.ledger.unit_of_work = self.unit_of_work

    def unit_of_work(self) -> MemoryUnitOfWork:
        work: MemoryUnitOfWork = self.begin()
        commit = work.commit

        async def failing(*, urgent: bool = True) -> None:
            fault = self.plan.pop(0) if self.plan else ""
            if fault == "before":
                raise StorageUnavailable("It is down.")
            if fault == "race":
                raise Conflict("Another was quicker.")
            await commit(urgent=urgent)
            if fault == "lost":
                raise StorageUnavailable("The answer was lost.")
            if fault == "killed":
                raise asyncio.CancelledError

        work.commit = failing  # type: ignore[method-assign]
        return work


@given(
    plan=st.lists(st.sampled_from(["before", "lost", "race", "killed", ""]), max_size=5),
    is_known=st.booleans(),
    order=st.permutations("hca"),
)
async def test_the_report_is_whole_and_there_once(
    plan: list[str], order: list[str], *, is_known: bool
) -> None:
    desk = Desk()
    session = new_session(tenant="ann")
    known = attrs.evolve(session, room_sid=ROOM_SID)
    await desk.begin(known if is_known else session)
    faults = Faults(desk, [*plan])

    report = None
    while report is None:
        with suppress(StorageUnavailable, asyncio.CancelledError):
            report = await desk.upload(order="".join(order))
    faults.plan.clear()
    if not is_known:
        async with desk.ledger.unit_of_work() as work:
            stored = await work.sessions.get(session.id, SYSTEM)
            assert stored is not None
            await work.sessions.save(stored.activated(ROOM_SID, desk.clock.now()))
            await work.commit()
        await desk.later(10)

    assert report.audio is Part.KEPT
    assert len(await desk.items(session)) == 2
    assert await desk.events() == ANNOUNCED
    async with desk.ledger.unit_of_work() as work:
        [recording] = await work.recordings.of_session(session.id, SYSTEM)
    assert desk.store is not None
    assert desk.store.objects[recording.key] == OGG
    await desk.erase()
    assert desk.store.objects == {recording.key: OGG}


@pytest.mark.parametrize("fault", ["before", "lost", "killed"])
async def test_a_failed_upload_leaves_no_copy_of_its_audio(fault: str) -> None:
    """Although the worker does not come again, and without a sweep."""
    desk = Desk()
    await desk.begin(new_session(room_sid=ROOM_SID))
    faults = Faults(desk, [fault])
    with suppress(StorageUnavailable, asyncio.CancelledError):
        await desk.upload()
    faults.plan += ["before", "lost"]
    for _ in range(2):
        with suppress(StorageUnavailable):
            await desk.erase()

    await desk.erase()

    assert desk.stored() == ([] if fault == "before" else [OGG])


async def test_audio_is_deleted_at_once_where_the_commit_was_not_tried() -> None:
    desk = Desk()
    begin, is_up = desk.ledger.unit_of_work, True

    def unit_of_work() -> MemoryUnitOfWork:
        if not is_up:
            raise StorageUnavailable("It is down.")
        work: MemoryUnitOfWork = begin()
        return work

    desk.ledger.unit_of_work = unit_of_work
    incoming = desk.receive.begin()
    incoming.take_header(a_header())
    await incoming.take_audio(chunked(OGG))
    assert desk.stored() == [OGG]
    is_up = False
    with pytest.raises(StorageUnavailable):
        await incoming.keep()
    await incoming.abandon()

    assert desk.stored() == []


@pytest.mark.parametrize("fault", ["before", "race", "lost"])
async def test_a_match_that_fails_is_made_up_for(fault: str) -> None:
    desk = Desk()
    session = await desk.begin(new_session())
    await desk.upload()
    async with desk.ledger.unit_of_work() as work:
        stored = await work.sessions.get(session.id, SYSTEM)
        assert stored is not None
        await work.sessions.save(stored.activated(ROOM_SID, desk.clock.now()))
        await work.commit()
    Faults(desk, [fault])

    with suppress(StorageUnavailable):
        await desk.later(1)
    await desk.later(10)

    assert len(await desk.items(session)) == 2
    assert await desk.events() == ANNOUNCED
