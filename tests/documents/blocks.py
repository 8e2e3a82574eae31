"""The fenced blocks of a Markdown document, and what a comment before one says about it.

A command block (``sh`` or ``console``) is run unless a comment right before it says why not::

    <!-- test: service -->            start it in the background; it is the service
    <!-- test: service stopped -->    stop the service before it
    <!-- not run: takes minutes -->   check it without running it; REASONS has every reason
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from tests.service import PROJECT

DOCUMENTS: Final = sorted(
    [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("examples/*.md")]
)
COMMANDS: Final = frozenset({"sh", "console"})
DATA: Final = frozenset({
    "text", "json", "yaml", "ini", "nginx", "html", "python", "mermaid", "ts",
})  # fmt: skip
"""Languages of blocks that hold no commands."""

SERVICE: Final = "test: service"
STOPPED: Final = "test: service stopped"
REASONS: Final = {
    "not run: takes minutes": "a benchmark, a fault run or a tier; CI runs the tiers themselves",
    "not run: builds the console": "tests/browser/ and tests/deployment/ build it",
    "not run: needs a browser": "tests/browser/test_tutorial.py runs it, and does what it says",
    "not run: goes on until it is stopped": "tests/documents/test_receivers.py runs it",
    "not run: needs systemd": "a container of CI has no systemd and no unit in /etc",
    "not run: installs into /opt": "tests/deployment/test_wheel.py runs it in another folder",
    "not run: needs a real LiveKit server": "tests/live/ runs examples/agent_worker.py on one",
    "not run: needs a container engine": "CI has none; scripts/check_deployment.py does the steps",
}

_FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)
_COMMENT: Final = re.compile(r"<!-- *(.*?) *-->\s*$")


@attrs.frozen
class Step:
    """A command, and the lines that it prints; None if the document does not show them."""

    command: str
    output: str | None


@attrs.frozen
class Block:
    """A fenced block: where it is, its language, its mark (or ``""``) and its text."""

    path: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"

    def steps(self) -> list[Step]:
        """Return the commands; of a console block each one with its output."""
        if self.language == "sh":
            return [Step(self.text, None)]
        parts = re.split(r"^\$ ", self.text, flags=re.M)
        assert parts.pop(0) == "", f"{self}: a console block begins with a command"
        return [_step(part) for part in parts]


def blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of a document in their order."""
    document = path.read_text(encoding="utf-8")
    for fence in _FENCE.finditer(document):
        before = document[: fence.start()]
        comment = _COMMENT.search(before)
        indent = fence["indent"]
        lines = [line.removeprefix(indent) for line in fence["text"].splitlines(keepends=True)]
        yield Block(
            path,
            before.count("\n") + 1,
            fence["language"],
            comment[1] if comment else "",
            "".join(lines),
        )


def matches(expected: str, printed: str) -> bool:
    """Whether a command printed what the document shows.

    ``…`` stands for any text of a line, and on a line of its own for any lines.
    """
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
        for line in expected.splitlines()
    )
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None


def _step(part: str) -> Step:
    lines = part.splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if not line.endswith("\\\n"))
    return Step("".join(lines[: last + 1]), "".join(lines[last + 1 :]))
