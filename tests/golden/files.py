"""Compare and write the golden files."""

from __future__ import annotations

import difflib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent
PROJECT: Final = FOLDER.parent.parent
RENEW: Final = "make golden"
RESULT: Final = "found.json"


def check(found: Mapping[str, str]) -> None:
    """Fail unless each golden file has this text; the message has a sentence for each."""
    differences = []
    for name, now in found.items():
        path = FOLDER / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if now != before:
            differences.append(difference(name, before, now))
    assert not differences, "\n".join(differences)


def write(name: str, now: str) -> bool:
    """Write golden file ``name`` and return whether that changed it."""
    path = FOLDER / name
    if path.exists() and path.read_text(encoding="utf-8") == now:
        return False
    path.write_text(now, encoding="utf-8")
    return True


def difference(name: str, before: str, now: str) -> str:
    """Return a sentence that says what changed and how to renew the file, then the lines."""
    lines = list(difflib.unified_diff(before.splitlines(), now.splitlines(), "before", "now", n=2))
    gone = [line for line in lines[2:] if line.startswith("-")]
    new = [line for line in lines[2:] if line.startswith("+")]
    first = (gone or new or ["the end of the file"])[0][:100]
    return (
        f"What callers see has changed: tests/golden/{name} loses {len(gone)} lines and gains "
        f"{len(new)}, first {first!r}; undo that, or run `{RENEW}` to renew the file on purpose "
        "and say so in CHANGELOG.md.\n" + "\n".join(lines)
    )


@functools.cache
def collected(part: str, *arguments: str) -> Mapping[str, str]:
    """Return the text of each golden file of ``part``, collected by a new process.

    The result depends neither on what this process has imported or registered, nor on its
    environment variables and its terminal.
    """
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.golden", part, *arguments],
            cwd=folder,
            env={
                "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(PROJECT),
                "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC",
                "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80", "TERMINAL_WIDTH": "80",
            },
            capture_output=True, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, str] = json.loads(Path(folder, RESULT).read_text(encoding="utf-8"))
        return found


def as_json(value: Any) -> str:
    """Return ``value`` as indented JSON with sorted keys."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def as_lines(lines: Iterable[str]) -> str:
    """Return the different ``lines``, sorted."""
    return "".join(f"{line.rstrip()}\n" for line in sorted(set(lines)))
