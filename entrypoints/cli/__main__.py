"""The commands' entry point: ``backend``, or ``python -m entrypoints.cli``."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run a command and exit with its code; 2 if the command line or the configuration is wrong."""
    if sys.argv[1:] == ["serve"]:
        # The process that supervises the service does not import the other commands: 60 MiB.
        from entrypoints.http.__main__ import main as serve  # noqa: PLC0415

        sys.exit(serve())
    from entrypoints.cli.app import main as run  # noqa: PLC0415

    try:
        run()
    except SystemExit as end:
        if "obstore" in sys.modules:
            _end_at_once(end.code)
        raise


def _end_at_once(code: object) -> None:
    """End the process without its interpreter's end, which obstore's threads may abort (0.12)."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
