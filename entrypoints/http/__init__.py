"""The HTTP API: ``python -m entrypoints.http``."""
