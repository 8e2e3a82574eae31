"""The right to act on a room's agent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

LONGEST_LEASE: Final = timedelta(seconds=30)
"""Twice what a claim is taken for."""


@attrs.frozen
class DispatchClaim:
    """The right to dispatch (or end) a session's agent, held by one request at a time.

    ``holder`` owns the claim until ``expires_at``. A holder that dies leaves its claim behind:
    once the lease has expired the next one takes it over, ``uncertain`` of what the dead one did.
    ``uncertain`` also outlives a dispatch whose outcome LiveKit did not report. The request that
    takes such a claim asks LiveKit before it dispatches.
    """

    holder: str | None = None
    expires_at: datetime | None = None
    uncertain: bool = False

    def is_held(self, now: datetime) -> bool:
        """Whether a lease is running at ``now``.

        One that ends later than it can have been set to is void: a clock was set back since.
        """
        return self.expires_at is not None and now < self.expires_at <= now + LONGEST_LEASE

    @property
    def is_unsettled(self) -> bool:
        """Whether a dispatch may have been made, or be made, that the ledger does not know."""
        return self.uncertain or self.holder is not None

    def taken(self, holder: str, expires_at: datetime) -> DispatchClaim:
        """Held by ``holder``; uncertain if it was left behind by another one."""
        left_behind = self.holder is not None and self.holder != holder
        return DispatchClaim(holder, expires_at, uncertain=self.uncertain or left_behind)

    def released(self) -> DispatchClaim:
        """Return the claim without a holder, as certain as before."""
        return DispatchClaim(uncertain=self.uncertain)
