"""Whether recordings can be stored, before the service starts."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from typing import Final

_LIMIT_SECONDS: Final = 60


def store_can_be_used() -> bool:
    """Return whether RECORDINGS_URL can be used; say on standard error why it cannot.

    In a process of its own: the client of the bucket starts threads, which a process must not have
    that forks others.
    """
    check = multiprocessing.Process(target=_check)
    check.start()
    check.join(_LIMIT_SECONDS)
    if check.is_alive():
        check.kill()
        check.join()
        sys.stderr.write("The folder or the bucket of RECORDINGS_URL does not answer.\n")
    return check.exitcode == 0


def _check() -> None:
    """Run ``backend recordings check``, and leave its findings to its log."""
    from entrypoints.cli.__main__ import main  # noqa: PLC0415 - 60 MiB

    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
    sys.argv[1:] = ["recordings", "check"]
    main()
