"""Fixed settings, and the values of variables that have few.

``entrypoints/settings`` reads what the environment sets.
"""

from __future__ import annotations

import enum
from datetime import timedelta
from pathlib import Path

import attrs

LIVEKIT_CONNECT_LIMIT = timedelta(seconds=3)
LIVEKIT_TOTAL_LIMIT = timedelta(seconds=10)
CLAIM_LEASE = timedelta(seconds=15)
"""Longer than one LiveKit API call can take, so that a holder that lives keeps its claim."""
DEFAULT_AGENT_NAME = "shreya-obnox"
"""The name that the workers of the existing Express service register.

This service replaces that one: with the same default, deployed workers go on working unchanged.
"""
END_GRACE = timedelta(seconds=10)
"""For how long an end that may be undone or corrected is not announced: the participant's own event
may be under way, or the room listed again at the next look."""
ENDS_ANNOUNCED_EVERY = timedelta(seconds=2)
ANSWERS_WATCHED_FOR = timedelta(seconds=30)
"""For how long a process watches a call after it has recorded something of it, at least."""
WORKERS_LOOKED_AT_EVERY = timedelta(seconds=5)
READINESS_GOOD_FOR = timedelta(seconds=1)
"""Readiness is public, and asking LiveKit takes a connection that session starts need."""


class AppEnv(enum.StrEnum):
    """``production`` hides the development-only routes."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Storage(enum.StrEnum):
    """The storage backends."""

    MEMORY = "memory"
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@attrs.frozen
class RecordingFolder:
    """Recordings are files in this folder."""

    path: Path


@attrs.frozen
class RecordingBucket:
    """Recordings are objects in this S3 bucket, whose keys begin with ``prefix`` and a slash."""

    bucket: str
    prefix: str
