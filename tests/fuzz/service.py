"""The service that is fuzzed: a process of its own, on a simulator that is well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.service import Service, running
from tests.simulator import running_simulator

SEED: Final = int(os.environ.get("FUZZ_SEED", "20261124"))
REQUESTS: Final = int(os.environ.get("FUZZ_REQUESTS", "3000"))
"""How many schemathesis sends at least; the webhook gets examples in proportion."""


@contextmanager
def fuzzed(folder: Path, **environ: str) -> Iterator[Service]:
    """A development service with telephony, for the length of a block."""
    with running_simulator() as simulator:
        simulator.register_worker("shreya-obnox")
        settings = {
            **simulator.environ,
            "TELEPHONY_ENABLED": "true",
            "RATE_LIMIT_ENABLED": "false",
            "MAX_SESSIONS_PER_KEY": "10000000",
            **environ,
        }
        with running(settings, folder) as service:
            yield service
