"""Whether recordings can be stored, before the service starts."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

_LIMIT_SECONDS: Final = 60
_CHECK: Final = "import sys; from entrypoints.cli.__main__ import main; sys.argv[1:] = %r; main()"


def store_can_be_used() -> bool:
    """Return whether RECORDINGS_URL can be used; say on standard error why it cannot.

    In a process of its own: the client of the bucket starts threads, which a process must not have
    that forks others.
    """
    command = [sys.executable, "-P", "-c", _CHECK % (["recordings", "check"],)]
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    try:
        checked = subprocess.run(  # noqa: S603 - fixed words
            command, env=environ, stdout=subprocess.DEVNULL, timeout=_LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        sys.stderr.write("The folder or the bucket of RECORDINGS_URL does not answer.\n")
        return False
    return checked.returncode == 0
