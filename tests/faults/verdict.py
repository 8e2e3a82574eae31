"""Judge a fault run by the simulator's record, the inbox and the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.people import Stay
from tests.faults.plan import Outcome
from tests.faults.trouble import Trouble
from tests.faults.truth import Entries


def judge_calls(outcome: Outcome, stays: list[Stay], calls: Entries) -> None:
    """Count the calls, and look for those that should never be."""
    outcome.stays, outcome.known = len(stays), len(calls)
    outcome.unknowable = max(0, outcome.stays - outcome.known)
    outcome.served = sum(bool(call["agentDispatched"]) for call in calls)
    outcome.live = sum(call["endedAt"] is None for call in calls)
    by_stay: defaultdict[str, Entries] = defaultdict(list)
    for call in calls:
        by_stay[call["sipCallId"]].append(call)
    outcome.problems += [
        f"several calls of one stay: {found}" for found in by_stay.values() if len(found) > 1
    ]
    real = {(stay.room, stay.identity, stay.number) for stay in stays}
    outcome.problems += [
        f"a call of nobody: {key}"
        for call in calls
        if (key := (call["roomName"], call["participantIdentity"], call["from"])) not in real
    ]


def judge_agents(outcome: Outcome, record: Mapping[str, Any], trouble: Trouble) -> None:
    """See for how long two agents of ours were together in a room.

    Times at which a process was missing, or LiveKit did not tell the truth, do not count.
    """
    excused = [*trouble.replicas.absences, *trouble.lies]
    episodes = [one for some in record["together"].values() for one in some]
    outcome.surplus = len(episodes)
    limit = 2 * outcome.plan.interval * outcome.plan.slowness
    for episode in episodes:
        if episode["until"] is None:
            outcome.problems.append(f"two agents remain in {episode['room']}")
            continue
        lasted = unexcused(episode["since"], episode["until"], excused)
        outcome.together = max(outcome.together, lasted)
        if lasted > limit:
            outcome.problems.append(f"two agents in {episode['room']} for {lasted:.1f} s")


def unexcused(since: float, until: float, excused: Iterable[tuple[float, float]]) -> float:
    """How much of the time from ``since`` to ``until`` is in none of these times."""
    left, at = 0.0, since
    for began, ended in sorted(excused):
        left += max(0.0, min(began, until) - at)
        at = max(at, min(ended, until))
    return left + max(0.0, until - at)


def judge_inbox(
    outcome: Outcome, events: Entries, inbox: Mapping[str, str], trouble: Trouble
) -> None:
    """See whether each acknowledged event is in the inbox, and handled.

    Those that were acknowledged only between the backup and its restoration went with the ledger.
    """
    acknowledged = [event for event in events if event["acknowledged"]]
    outcome.events = len(events)
    outcome.lost = len(events) - len(acknowledged)
    outcome.repeats = sum(event["acknowledged"] - 1 for event in acknowledged)
    missing = [event for event in acknowledged if event["id"] not in inbox]
    forgotten = [
        event
        for event in missing
        if event["first_at"] >= trouble.backup and event["last_at"] <= trouble.restored
    ]
    outcome.forgotten = len(forgotten)
    outcome.acknowledged_lost = len(missing) - len(forgotten)
    if outcome.acknowledged_lost:
        outcome.problems.append(f"{outcome.acknowledged_lost} acknowledged events are lost")
    unhandled = sum(status != "handled" for status in inbox.values())
    if unhandled:
        outcome.problems.append(f"{unhandled} events are not handled")


def judge_the_run(outcome: Outcome, output: str, least_served: float) -> None:
    """A run in which nothing went wrong proves nothing."""
    if "Traceback" in output:
        at = output.index("Traceback")
        outcome.problems.append("a traceback: " + output[at : at + 3000])
    proves = {
        "processes killed": outcome.kills >= 2,
        "events lost": outcome.lost > 0.1 * outcome.events,
        "events repeated": outcome.repeats > 0.02 * outcome.events,
        "calls known": outcome.known > 0.5 * outcome.stays,
        "calls served": outcome.served > least_served * outcome.stays,
        "calls and sessions live": outcome.live > 0.01 * outcome.stays,
        "agents together": outcome.surplus > 0,
    }
    outcome.problems += [f"too few to prove anything: {what}" for what, is_so in proves.items()
                         if not is_so]  # fmt: skip
