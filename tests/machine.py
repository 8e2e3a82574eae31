"""A machine with a wrong clock, on which services run."""

from __future__ import annotations

from pathlib import Path

import attrs

from tests.service import PROJECT


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
        folder = PROJECT / "tests" / "skewed_clock"
        return {"PYTHONPATH": f"{folder}:{PROJECT}", "TEST_CLOCK_FILE": str(self.file)}
