"""GET /metrics"""

from __future__ import annotations

from typing import Annotated

import structlog
from litestar import Response, get
from litestar.params import Dependency

from application.telemetry import Telemetry
from domain.access.access import Scope
from domain.operations.ledger_stats import LedgerStats, StatsReader
from domain.shared.errors import StorageUnavailable
from entrypoints.http.openapi.document import HIDDEN, KEYED, REFUSALS, errors
from entrypoints.http.openapi.operation import Operation

log = structlog.get_logger()


@get(
    "/metrics",
    needs=(Scope.ADMIN,),
    security=KEYED,
    hidden=True,
    tags=["health"],
    operation_class=Operation,
    summary="Metrics for Prometheus (development, or with an admin key)",
    media_type="text/plain",
    responses=errors(REFUSALS | {404: HIDDEN}),
)
async def metrics(
    telemetry: Annotated[Telemetry, Dependency(skip_validation=True)],
    censor: Annotated[StatsReader, Dependency(skip_validation=True)],
) -> Response[bytes]:
    """What docs/observability.md lists, in Prometheus' text format."""
    ledger_stats: LedgerStats | None = None
    try:
        ledger_stats = await censor.ledger_stats()
        if ledger_stats.problem is not None:
            log.warning("the ledger cannot be written", reason=ledger_stats.problem)
    except StorageUnavailable as error:
        log.warning("the ledger cannot be counted", reason=str(error))
    return Response(
        telemetry.page(ledger_stats),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )
