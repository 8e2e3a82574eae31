"""``python -m tests.integration.http.spawned_processes``: the service, with processes that are
spawned, as by default on macOS and from Python 3.14 on, rather than forked.
"""

from __future__ import annotations

import multiprocessing
import sys

from entrypoints.http.__main__ import main

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
