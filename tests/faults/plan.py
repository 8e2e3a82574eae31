"""What is to go wrong in a fault run, and what came of it."""

from __future__ import annotations

import attrs

AGENT = "shreya-obnox"
SLOWEST = 6.0
"""By how much a run is stretched at most."""
WEBHOOKS = "/telephony/livekit-webhook"


@attrs.frozen(kw_only=True)
class Plan:
    """What is to go wrong. Times are in seconds, shares from 0 to 1."""

    storage: str
    replicas: int
    calls: int = 600
    users: int = 120
    over: float = 50.0
    interval: float = 3.0
    """The reconciler's."""
    lose: float = 0.2
    double: float = 0.2
    delay: float = 3.0
    fail: float = 0.1
    late_dispatch: float = 0.005
    slow_join: float = 0.1
    slow_join_seconds: float = 15.0
    deaf: float = 0.3
    list_lag: float = 3.0
    kill_every: float = 5.0
    skew: int = 3600
    """By how much the clock of the last of several replicas is ahead; halfway, behind."""
    settles_within: float = 40.0
    """From the last event until the ledger is true."""
    least_served: float = 0.1
    """The share of stays that must be served, or the run proves nothing."""
    slowness: float = 1.0
    """How many times longer than on an idle machine stays and the lies of LiveKit's lists last."""
    seed: int = 1

    @property
    def is_skewed(self) -> bool:
        """Whether a replica has a clock of its own: on SQLite the machine's is the ledger's."""
        return self.replicas > 1 and self.skew > 0

    def stretched(self, start: float) -> Plan:
        """The plan for a machine on which a process takes ``start`` seconds until it answers.

        Each process then runs for twice that between two kills, however busy the machine is.
        """
        slowness = min(max(1.0, 2 * start / self.kill_every), SLOWEST)
        return attrs.evolve(
            self,
            over=self.over * slowness,
            kill_every=self.kill_every * slowness,
            slowness=slowness,
        )


@attrs.define(kw_only=True)
class Outcome:
    """What came of it; ``problems`` are sentences about what should never be.

    ``unknowable`` are stays that no event reported and no look found. ``forgotten`` are
    acknowledged events that the restored backup does not have. ``together`` is the longest time
    that two agents of ours were in a room while the service could have known and acted.
    """

    plan: Plan
    stays: int = 0
    sessions: int = 0
    refused: int = 0
    kills: int = 0
    events: int = 0
    lost: int = 0
    forgotten: int = 0
    acknowledged_lost: int = 0
    requests: int = 0
    known: int = 0
    unknowable: int = 0
    repeats: int = 0
    surplus: int = 0
    together: float = 0.0
    wrong: int = 0
    served: int = 0
    live: int = 0
    corrected: int = 0
    true_after: float | None = None
    problems: list[str] = attrs.field(factory=list)
