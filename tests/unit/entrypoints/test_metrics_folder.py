"""Folders in shared memory: a killed process's is removed, a living one's never."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoints.http.server.metrics_folder import metrics_folder, remove_abandoned
from tests.service import PROJECT

HOLD = """
import os, sys, time
from pathlib import Path
from entrypoints.http.server.metrics_folder import metrics_folder
with metrics_folder(Path(sys.argv[1])) as folder:
    (folder / "counter_1.db").touch()
    child = os.fork()
    if child:
        print(child, folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, int]]:
    """A process that has a folder, and its forked child."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child, folder = process.stdout.readline().split()
    try:
        yield process, Path(folder), int(child)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        if Path(f"/proc/{child}").exists():
            os.kill(int(child), signal.SIGKILL)


def gone(number: int) -> None:
    while True:
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return


def test_a_folder_of_a_living_process_stays(
    holder: tuple[subprocess.Popen[str], Path, int], tmp_path: Path
) -> None:
    _, folder, _ = holder

    remove_abandoned(tmp_path)

    assert (folder / "counter_1.db").exists()


def test_a_folder_stays_until_the_last_process_of_the_service_has_ended(
    holder: tuple[subprocess.Popen[str], Path, int], tmp_path: Path
) -> None:
    process, folder, child = holder
    process.kill()
    process.wait()

    remove_abandoned(tmp_path)
    assert folder.exists()  # the child counts in it

    os.kill(child, signal.SIGKILL)
    gone(child)
    remove_abandoned(tmp_path)
    assert not folder.exists()


def test_a_folder_is_removed_at_the_end_of_its_block(tmp_path: Path) -> None:
    with metrics_folder(tmp_path) as folder:
        (folder / "counter_1.db").touch()

    assert not folder.exists()


def test_what_is_no_folder_or_another_s_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "elsewhere"
    kept.mkdir()
    (tmp_path / "backend-metrics-locked-link").symlink_to(kept)
    (tmp_path / "backend-metrics-file").touch()
    (tmp_path / "other").mkdir()
    foreign = tmp_path / "backend-metrics-locked-foreign"
    foreign.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: foreign.stat().st_uid + 1)

    remove_abandoned(tmp_path)

    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize(
    ("number", "stays"), [(os.getpid(), True), (2**22 + 1, False)], ids=["alive", "dead"]
)
def test_an_earlier_version_s_folder_is_known_by_its_files(
    tmp_path: Path,
    number: int,
    stays: bool,  # noqa: FBT001 - a parameter
) -> None:
    folder = tmp_path / "backend-metrics-abc"
    folder.mkdir()
    (folder / f"histogram_{number}.db").touch()
    starting = tmp_path / "backend-metrics-def"
    starting.mkdir()

    remove_abandoned(tmp_path)

    assert folder.exists() is stays
    assert starting.exists()
