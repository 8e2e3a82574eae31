"""Load from a process of its own: wrk (https://github.com/wg/wrk), with scripts in ``wrk/``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

import attrs

_SCRIPTS: Final = Path(__file__).parent / "wrk"


@attrs.frozen
class Load:
    """What one run of wrk has counted. Times are in milliseconds.

    ``refused`` are answers of 400 and above, ``broken`` connections that failed.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def load(url: str, script: str, connections: int, seconds: int, argument: str = "") -> Load:
    """Send requests for ``seconds`` over ``connections``, each waiting for its answer.

    ``script`` is a file in ``wrk/``, which gets ``argument``. Raises :class:`AssertionError` if
    an answer was no success: such a run says nothing of what it should.
    """
    done = subprocess.run(
        [
            "wrk", "--threads", "1", "--connections", str(connections),
            "--duration", f"{seconds}s", "--timeout", "30s",
            "--script", _SCRIPTS / f"{script}.lua", url, "--", argument,
        ],
        env={"LUA_PATH": f"{_SCRIPTS}/?.lua;;"},
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )  # fmt: skip
    found = Load(**json.loads(done.stdout.splitlines()[-1]))
    assert found.requests, done.stdout
    assert not found.refused + found.broken, done.stdout
    return found
