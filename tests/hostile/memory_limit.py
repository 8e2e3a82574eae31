"""A memory limit as Kubernetes sets it: a control group, of version 2 or 1 (cgroups(7)).

Run as a program it is the service within the limit: ``TEST_CGROUP`` is the group's folder.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import psutil

from entrypoints.http.__main__ import main

LIMIT: Final = 320 * 1024 * 1024
"""deploy/kubernetes gives the service so much."""

_VERSIONS: Final = (
    # Where a group is made, its limit, how much it used at most, and how often it was too much.
    (Path("/sys/fs/cgroup"), "memory.max", "memory.peak", "memory.events"),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory.limit_in_bytes",
        "memory.max_usage_in_bytes",
        "memory.oom_control",
    ),
)


@attrs.frozen
class MemoryLimit:
    """A control group; without one (no permission, no cgroups) only the processes' own peak."""

    folder: Path | None
    peak_file: str = ""
    events_file: str = ""

    @property
    def environ(self) -> dict[str, str]:
        return {} if self.folder is None else {"TEST_CGROUP": str(self.folder)}

    def kills(self) -> int:
        """How many processes were killed because the group had too much."""
        if self.folder is None:
            return 0
        text = (self.folder / self.events_file).read_text()
        return int(dict(line.split() for line in text.splitlines()).get("oom_kill", 0))

    def peak(self, family: list[psutil.Process]) -> int:
        """The most that was used: by the group, else by each of ``family`` (VmHWM, proc(5))."""
        if self.folder is not None:
            return int((self.folder / self.peak_file).read_text())
        return sum(_high_water_mark(member.pid) for member in family)


def _high_water_mark(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@contextmanager
def memory_limit() -> Iterator[MemoryLimit]:
    """A group with the limit, and no swap."""
    for root, limit, peak, events in _VERSIONS:
        folder = root / f"backend-test-{os.getpid()}-{time.monotonic_ns()}"
        try:
            folder.mkdir()
            (folder / limit).write_text(str(LIMIT))
            (folder / peak).read_text()
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            continue
        for swap, value in (("memory.swap.max", "0"), ("memory.memsw.limit_in_bytes", str(LIMIT))):
            with suppress(OSError):
                (folder / swap).write_text(value)
        try:
            yield MemoryLimit(folder, peak, events)
        finally:
            with suppress(OSError):
                folder.rmdir()
        return
    yield MemoryLimit(None)


if __name__ == "__main__":
    if "TEST_CGROUP" in os.environ:
        (Path(os.environ["TEST_CGROUP"]) / "cgroup.procs").write_text(str(os.getpid()))
    sys.exit(main())
