"""The command line: ``backend`` (or ``python -m entrypoints.cli``)."""

from entrypoints.cli.app import main

__all__ = ["main"]
