"""``python -m tests.hostile.few_files``: the service, where a process may have few files open.

``FEW_FILES`` is how many.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Final

from entrypoints.http.__main__ import main

FILES: Final = 400

if __name__ == "__main__":
    files = int(os.environ.get("FEW_FILES", FILES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    sys.exit(main())
