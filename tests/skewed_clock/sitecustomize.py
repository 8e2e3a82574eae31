"""A machine whose clock is wrong: Python imports this at its start where PYTHONPATH has its folder.

The file that ``TEST_CLOCK_FILE`` names holds by how many seconds; written anew, the clock steps.
Without that variable the clock is right, as in the process that warm ones are forked from.
"""

import os
import time
from pathlib import Path

_time, _time_ns = time.time, time.time_ns


def _skew() -> int:
    file = os.environ.get("TEST_CLOCK_FILE")
    return int(Path(file).read_text()) if file else 0


time.time = lambda: _time() + _skew()
time.time_ns = lambda: _time_ns() + _skew() * 1_000_000_000
