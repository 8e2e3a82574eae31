"""A machine with a wrong clock, on which services run."""

from __future__ import annotations

from pathlib import Path

import attrs

from tests.warm_processes import SKEWED_CLOCK


@attrs.define
class Machine:
    """Services on it see its clock, which is off by so many seconds."""

    file: Path

    def set(self, off: int) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(off))
        new.replace(self.file)

    @property
    def environ(self) -> dict[str, str]:
        return {"PYTHONPATH": SKEWED_CLOCK, "TEST_CLOCK_FILE": str(self.file)}
