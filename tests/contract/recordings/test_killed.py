"""A process that is killed leaves a file half written: a day later the sweeps have deleted it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from adapters.object_store import files
from adapters.object_store.files import FileStore
from domain.recordings.sweep_store import CONTESTED, MARKER, ORPHANED_SWEEPS, SWEPT_EVERY
from tests.contract.recordings.test_store import KEY, keys, pieces
from tests.unit.recordings.world import RecordingWorld


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What kills at each step have left of everything that is written to ``tmp_path/store``."""
    left = tmp_path / "left"

    def killed_before(step: Callable[..., None]) -> Callable[..., None]:
        def noted(*arguments: Any) -> None:
            shutil.copytree(tmp_path / "store", left, dirs_exist_ok=True)
            step(*arguments)

        return noted

    for name in ("_finish", "_deleted"):
        monkeypatch.setattr(files, name, killed_before(getattr(files, name)))
    return left


async def test_whatever_a_kill_has_left_in_a_folder_is_deleted_after_a_day(
    tmp_path: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, first, second = FileStore(tmp_path / "store"), RecordingWorld(), RecordingWorld()
    await store.put(KEY, pieces(b"OggS"), "audio/ogg")
    await store.check()
    await attrs.evolve(first.sweep, store=store)()
    await attrs.evolve(second.sweep, store=store, ids=first.ids)()
    monkeypatch.undo()
    for marker in (MARKER, CONTESTED):
        (left / marker).unlink(missing_ok=True)  # these are whole, and not what is looked for
    kinds = sorted(key.partition(".")[0][:6] for key in await keys(FileStore(left)))
    assert kinds == ["check-", "check-", "contes", "ledger", "report", "report"]

    sweep, clock = attrs.evolve(second.sweep, store=FileStore(left)), second.clock
    for _ in range(ORPHANED_SWEEPS + 1):
        assert (await sweep()).held is None
        clock.advance(SWEPT_EVERY)

    assert await keys(FileStore(left)) == [MARKER]
