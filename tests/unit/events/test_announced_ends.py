"""Ends are announced although others cannot be."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from domain.calls import announce_ends
from domain.calls.announce_ends import AnnounceEnds
from domain.shared.errors import StorageUnavailable
from tests.unit.worlds.fakes import FakeClock

BAD = StorageUnavailable("This row cannot be read.")


@attrs.define
class End:
    """A session whose end is due."""

    fails: bool = False
    is_announced: bool = False

    def end_announced(self) -> End:
        return self


@attrs.define
class Ledger:
    """Sessions in the order in which their ends are due; None cannot be read."""

    ends: list[End | None]

    def __call__(self) -> Work:
        return Work(self)


class Work:
    def __init__(self, ledger: Ledger) -> None:
        self._ends = ledger.ends
        self.sessions = self
        self.calls = Nothing()

    async def __aenter__(self) -> Work:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def ends_due(self, _now: Any, limit: int, unreadable: list[Any], _access: Any) -> Any:
        due = [end for end in self._ends if end is None or not end.is_announced][:limit]
        unreadable += [BAD for end in due if end is None]
        return [end for end in due if end is not None]

    async def save(self, end: End) -> None:
        if end.fails:
            raise StorageUnavailable("down")
        await asyncio.sleep(0.01)
        end.is_announced = True

    async def commit(self) -> None: ...


class Nothing:
    async def ends_due(self, *_: Any) -> list[Any]:
        return []


async def announce(ledger: Ledger) -> None:
    with pytest.raises(StorageUnavailable):
        await AnnounceEnds(ledger, FakeClock())()  # type: ignore[arg-type]


async def test_given_one_that_fails_then_the_others_are_announced_before_the_error() -> None:
    failing, other = End(fails=True), End()

    await announce(Ledger([failing, other]))

    assert other.is_announced


async def test_given_many_that_cannot_be_read_then_the_later_ones_are_announced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announce_ends, "AT_ONCE", 2)
    last = End()

    await announce(Ledger([None] * 7 + [last]))

    assert last.is_announced
