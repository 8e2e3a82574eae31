"""The loop that matches reports goes on whatever fails, and works only when there is work."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from application.workers.report_matcher import ReportMatcher
from domain.shared.errors import StorageUnavailable
from tests.unit.worlds.fakes import FakeClock, SequentialIds


@attrs.define
class Matching:
    """Says what ``due`` has for each look, and then that nothing is due."""

    due: list[bool | Exception]
    fails: Exception | None = None
    runs: int = 0

    async def is_due(self) -> bool:
        answer = self.due.pop(0) if self.due else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def __call__(self) -> int:
        self.runs += 1
        if self.fails is not None:
            raise self.fails
        return 3


@attrs.define
class OneLease:
    """Leases that another process may hold."""

    is_free: bool = True
    acquired: int = 0
    released: int = 0

    async def acquire(self, *_: Any) -> bool:
        self.acquired += self.is_free
        return self.is_free

    async def release(self, *_: Any) -> None:
        self.released += 1


@attrs.define
class Settling:
    """Audio that is settled at each look, if it does not fail."""

    fails: Exception | None = None
    times: int = 0

    async def settle(self) -> None:
        self.times += 1
        if self.fails is not None:
            raise self.fails


async def run(matching: Matching, leases: OneLease, settling: Settling | None = None) -> list[Any]:
    """Let it look five times; what was logged."""
    clock = FakeClock()
    matcher = ReportMatcher(
        match_reports=matching,  # type: ignore[arg-type]
        doubtful_audio=settling or Settling(),  # type: ignore[arg-type]
        leases=leases,
        clock=clock,
        ids=SequentialIds(),
    )
    with capture_logs() as logs:
        running = asyncio.create_task(matcher.run())
        while len(clock.slept) < 5:  # noqa: ASYNC110 - time that no caller waits for
            await asyncio.sleep(0)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert set(clock.slept) == {timedelta(seconds=1)}
    return logs


async def test_nothing_is_leased_while_nothing_is_due() -> None:
    leases = OneLease()

    assert await run(Matching([]), leases) == []

    assert (leases.acquired, leases.released) == (0, 0)


async def test_what_is_due_is_matched_and_the_lease_given_back() -> None:
    matching, leases = Matching([True, False, True]), OneLease()

    logs = await run(matching, leases)

    assert matching.runs == leases.acquired == leases.released == 2
    assert [(log["event"], log["number"]) for log in logs] == [("reports matched", 3)] * 2


async def test_audio_that_cannot_be_settled_holds_up_no_report() -> None:
    matching, settling = Matching([True]), Settling(fails=StorageUnavailable("down"))

    await run(matching, OneLease(), settling)

    assert (matching.runs, settling.times) == (1, 5)


async def test_given_another_process_has_the_lease_then_nothing_is_done() -> None:
    matching, leases = Matching([True]), OneLease(is_free=False)

    await run(matching, leases)

    assert (matching.runs, leases.released) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "level"), [(StorageUnavailable("down"), "warning"), (KeyError("a"), "error")]
)
async def test_it_goes_on_after_a_failure(fault: Exception, level: str) -> None:
    looking, leases = Matching([fault, True]), OneLease()
    assert [log["log_level"] for log in await run(looking, leases)] == [level, "info"]
    assert looking.runs == 1

    failing = Matching([True, True], fails=fault)
    assert [log["log_level"] for log in await run(failing, leases)] == [level, level]
    assert leases.released == 3
