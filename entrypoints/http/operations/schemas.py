"""What the routes of operations answer."""

from __future__ import annotations

from typing import Literal

import msgspec

from domain.operations.check_readiness import Readiness
from entrypoints.presenters.fields import Timestamp


class HealthResponse(msgspec.Struct, rename="camel", kw_only=True):
    """The process answers."""

    status: Literal["ok"]
    uptime_seconds: float
    version: str
    timestamp: Timestamp


class CheckResponse(msgspec.Struct):
    """The state of one dependency: ``ok``, or ``failed`` with the reason."""

    status: Literal["ok", "failed"]
    error: str | msgspec.UnsetType = msgspec.UNSET


class ReadinessResponse(msgspec.Struct):
    """``ready`` if every dependency is; ``warnings`` are for the operator."""

    status: Literal["ready", "not_ready", "stopping"]
    checks: dict[str, CheckResponse]
    warnings: list[str]


class ServiceResponse(msgspec.Struct):
    """What this is and what it can do."""

    service: str
    version: str
    docs: str
    routes: dict[str, str]


def readiness_response(readiness: Readiness, warnings: list[str]) -> ReadinessResponse:
    """Return the state of each dependency; ``warnings`` are those beside the readiness's own."""
    checks = {
        name: CheckResponse("failed", problem) if problem else CheckResponse("ok")
        for name, problem in readiness.problems.items()
    }
    status: Literal["ready", "not_ready"] = "ready" if readiness.ready else "not_ready"
    return ReadinessResponse(status, checks, [*readiness.warnings, *warnings])
