"""Whether a list with a filter gets slower as the ledger grows (SQLite).

Each value matches as many of the first 50 rows in every ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks.growth import Requests, measure_requests, same
from tests.benchmarks.report import Report

_SPAN: Final = "since=2026-01-01T00:05:00Z&until=2026-01-01T00:10:00Z"
_WITHOUT_MATCH: Final = "%2B15105550199"


def _filtered(path: str, filters: str) -> Requests:
    return same(f"{path}?limit=50&{filters}")


FILTERS: Final[Mapping[str, Requests]] = {
    **{
        f"GET /sessions, {what}": _filtered("/sessions", filters)
        for what, filters in {
            "status of every row": "status=ended",
            "status of no row": "status=dispatch_failed",
            "userIdentity of no row": "userIdentity=absent",
            "roomName of one row": "roomName=load-500",
            "q of every row": "q=load-",
            "q of no row": "q=absent",
            "since and until": _SPAN,
            "status and since": "status=ended&since=2026-01-01T00:05:00Z",
        }.items()
    },
    **{
        f"GET /telephony/calls, {what}": _filtered("/telephony/calls", filters)
        for what, filters in {
            "status of no row": "status=ringing",
            "direction of every row": "direction=inbound",
            "direction of no row": "direction=outbound",
            "from of no row": f"from={_WITHOUT_MATCH}",
            "to of no row": f"to={_WITHOUT_MATCH}",
            "roomName of one row": "roomName=load-500",
            "q of every row": "q=load-",
            "q of no row": f"q={_WITHOUT_MATCH}",
            "since and until": _SPAN,
        }.items()
    },
}


def measure(report: Report, folder: Path) -> None:
    """Measure each filter as ``growth`` measures the routes."""
    measure_requests(report, folder, "Growth of filtered lists", FILTERS)
