"""What a check found."""

from __future__ import annotations

import enum

import attrs


class Check(enum.StrEnum):
    """What was checked."""

    LIVEKIT = "livekit"
    CLOCK = "clock"
    SETTINGS = "settings"
    NUMBER = "number"
    TRUNK = "trunk"
    RULE = "dispatch-rule"
    SERVICE = "service"
    WORKER = "worker"
    WEBHOOKS = "webhooks"


class State(enum.StrEnum):
    """How it is: ``failed`` keeps calls from being answered, ``skipped`` could not be checked."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@attrs.frozen
class Finding:
    """One sentence that says what is there or, if something is missing, what to do."""

    check: Check
    state: State
    sentence: str
