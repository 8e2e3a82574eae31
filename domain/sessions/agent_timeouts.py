"""How long an agent may take after its dispatch."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

TAKEN_WITHIN: Final = timedelta(seconds=8)
"""LiveKit lists a job up to 5 s after a worker took it (livekit-server 1.13.5)."""

JOINED_WITHIN: Final = timedelta(seconds=60)
"""Cold starts of 15 to 50 s are common."""


@attrs.frozen(kw_only=True)
class AgentTimeouts:
    """How long after a dispatch a worker may take to accept it, and its agent to join."""

    taken_within: timedelta = TAKEN_WITHIN
    joined_within: timedelta = JOINED_WITHIN
