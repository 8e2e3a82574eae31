"""A machine whose clock is wrong: Python imports this at its start where PYTHONPATH has its folder.

The file that ``TEST_CLOCK_FILE`` names holds by how many seconds; written anew, the clock steps.
"""

import os
import time
from pathlib import Path

_FILE = Path(os.environ["TEST_CLOCK_FILE"])
_time, _time_ns = time.time, time.time_ns


def _skew() -> int:
    return int(_FILE.read_text())


time.time = lambda: _time() + _skew()
time.time_ns = lambda: _time_ns() + _skew() * 1_000_000_000
