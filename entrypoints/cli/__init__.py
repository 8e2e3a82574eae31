"""The command line: ``backend`` (or ``python -m entrypoints.cli``)."""
