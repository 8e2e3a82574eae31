"""``python -m tests.hostile.few_files``: the service, where a process may have few files open."""

from __future__ import annotations

import resource
import sys
from typing import Final

from entrypoints.http.__main__ import main

FILES: Final = 400

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    sys.exit(main())
