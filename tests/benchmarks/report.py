"""What a benchmark has found: lines for people, JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs


@attrs.frozen
class Spread:
    """The median of some rounds, the least and the greatest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}-{self.high:.{digits}f})"


@attrs.define
class Report:
    """Prints each row as it is found, as a line of a table in Markdown, and keeps it."""

    rows: list[dict[str, Any]] = attrs.field(factory=list)

    def section(self, title: str, heads: Sequence[str], note: str = "") -> None:
        """Begin a table."""
        sys.stdout.write(f"\n## {title}\n\n{note + chr(10) * 2 if note else ''}")
        self._line(heads)
        self._line(["---"] * len(heads))

    def row(self, cells: Sequence[object], **figures: object) -> None:
        """A line of the table; ``figures`` are for the JSON."""
        self._line([str(cell) for cell in cells])
        self.rows.append(
            {
                name: attrs.asdict(value) if isinstance(value, Spread) else value
                for name, value in figures.items()
            }
        )

    @staticmethod
    def _line(cells: Sequence[str]) -> None:
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()

    def write(self, path: Path) -> None:
        """Everything, as JSON."""
        found = {"at": datetime.now(UTC).isoformat(), "machine": MACHINE, "rows": self.rows}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")


MACHINE: Final = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
