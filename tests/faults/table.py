"""The table of docs/reliability.md."""

from __future__ import annotations

from tests.faults.plan import Outcome

HEADINGS = (
    "storage", "replicas", "calls", "sessions", "events", "not delivered", "repeats",
    "failed responses", "kill -9", "acknowledged and lost", "two agents at once",
    "longest, s", "corrected", "wrong at the end", "converged after, s", "calls never seen",
)  # fmt: skip


def row(outcome: Outcome) -> list[str]:
    """One run's figures, in the order of the headings."""
    plan = outcome.plan
    return [
        plan.storage, str(plan.replicas), str(outcome.stays), str(outcome.sessions),
        str(outcome.events), str(outcome.lost), str(outcome.repeats),
        f"{plan.fail:.0%} of {outcome.requests}", str(outcome.kills),
        str(outcome.acknowledged_lost), str(outcome.surplus), f"{outcome.together:.1f}",
        str(outcome.corrected), str(outcome.wrong),
        "never" if outcome.true_after is None else f"{outcome.true_after:.1f}",
        str(outcome.unknowable),
    ]  # fmt: skip
