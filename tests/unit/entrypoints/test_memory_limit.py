"""The memory limit is found whatever version of control groups the machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoints.http.server.memory_limit import memory_limit

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/", {"memory.max": f"{320 * MIB}\n"}, 320 * MIB),
        ("0::/pod/a", {"pod/a/memory.max": f"{320 * MIB}\n"}, 320 * MIB),
        ("0::/pod/a", {"memory.max": "max\n", "pod/a/memory.max": "max\n"}, None),
        ("4:memory:/a\n0::/", {"memory/a/memory.limit_in_bytes": f"{MIB}\n"}, MIB),
        # The path is the host's, which the container does not see.
        ("4:memory:/kubepods/a", {"memory/memory.limit_in_bytes": f"{MIB}\n"}, MIB),
        ("", {}, None),
    ],
)
def test_the_limit_is_the_group_s(
    tmp_path: Path, groups: str, files: dict[str, str], limit: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "groups").write_text(groups)

    assert memory_limit(tmp_path / "groups", tmp_path) == limit


def test_without_control_groups_there_is_none(tmp_path: Path) -> None:
    assert memory_limit(tmp_path / "none", tmp_path) is None
