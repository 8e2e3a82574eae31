"""`make profile`: a flame graph of the process that serves, while it starts sessions.

Only what holds the interpreter's lock is drawn: what one core can do is limited by that.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from tests.benchmarks.routes import Senders
from tests.benchmarks.servers import ours, stub_livekit, worker_of
from tests.service import PROJECT

SECONDS: Final = 10
PICTURE: Final = PROJECT / "docs" / "session.svg"


def main() -> None:
    """Draw it (py-spy; it needs the right to look into another process)."""
    with tempfile.TemporaryDirectory() as name, stub_livekit() as environ:
        senders = Senders(Path(name))
        with ours("sqlite", environ, Path(name) / "ledger") as service:
            senders.session(service, 32, 2)
            load = threading.Thread(target=senders.session, args=(service, 32, SECONDS + 2))
            load.start()
            subprocess.run(
                [
                    Path(sys.executable).parent / "py-spy", "record", "--gil",
                    "--pid", str(worker_of(service).pid), "--duration", str(SECONDS),
                    "--rate", "200", "--format", "flamegraph", "--output", PICTURE,
                ],
                check=True,
            )  # fmt: skip
            load.join()


if __name__ == "__main__":
    main()
