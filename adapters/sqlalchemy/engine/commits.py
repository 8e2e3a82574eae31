"""What the last commits say about the next one."""

from __future__ import annotations

import math
import time
from typing import Final

from sqlalchemy.exc import IntegrityError

from domain.shared.errors import Conflict

IDLE_SECONDS: Final = 5.0
"""How old the last commit may be to show that the next one would succeed."""


class Commits:
    """Notes how each transaction ends."""

    def __init__(self) -> None:
        self._succeeded_at = -math.inf
        self._in_doubt = False

    def succeeded(self) -> None:
        """Note a commit."""
        self._succeeded_at = time.monotonic()

    def failed(self, error: BaseException) -> None:
        """Note a transaction that failed, unless it conflicts with what is stored."""
        if not isinstance(error, Conflict | IntegrityError):
            self._in_doubt = True

    def trying(self) -> None:
        """Note that a write is tried: if it succeeds, earlier failures no longer count."""
        self._in_doubt = False

    @property
    def show_success(self) -> bool:
        """Whether the next write would succeed, as far as the last ones show.

        After a failure only a write that is tried shows it: other tables may take writes still.
        """
        return not self._in_doubt and time.monotonic() - self._succeeded_at < IDLE_SECONDS
