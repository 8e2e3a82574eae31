"""How much memory this process's control group may use (cgroups(7), version 2 or 1)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

_GROUPS: Final = Path("/proc/self/cgroup")
_ROOT: Final = Path("/sys/fs/cgroup")


def memory_limit(groups: Path = _GROUPS, root: Path = _ROOT) -> int | None:
    """Return the least limit of the group and of what the container shows as the root, in bytes.

    None where there is none: without control groups, or without a limit.
    """
    limits = []
    with suppress(OSError):
        files = [root / "memory.max", root / "memory" / "memory.limit_in_bytes"]
        for line in groups.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if not kinds:
                files.append(root / path.lstrip("/") / "memory.max")
            elif kinds == "memory":
                files.append(root / "memory" / path.lstrip("/") / "memory.limit_in_bytes")
        for file in files:
            with suppress(OSError, ValueError):  # another version's, or "max"
                limits.append(int(file.read_text()))
    return min(limits, default=None)
