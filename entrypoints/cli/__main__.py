"""The commands' entry point: ``backend``, or ``python -m entrypoints.cli``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command and exit with its code; 2 if the command line or the configuration is wrong."""
    if sys.argv[1:] == ["serve"]:
        # The process that supervises the service does not import the other commands: 60 MiB.
        from entrypoints.http.__main__ import main as serve  # noqa: PLC0415

        sys.exit(serve())
    from entrypoints.cli.app import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
