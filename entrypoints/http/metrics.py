"""GET /metrics"""

from __future__ import annotations

from typing import Annotated

import structlog
from litestar import Response, get
from litestar.params import Dependency

from application.telemetry import Telemetry
from domain.access import Scope
from domain.errors import StorageUnavailable
from domain.ports.census import Censor, Census
from entrypoints.http.openapi import HIDDEN, KEYED, REFUSALS, errors
from entrypoints.http.operation import Operation

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
    censor: Annotated[Censor, Dependency(skip_validation=True)],
) -> Response[bytes]:
    """What docs/observability.md lists, in Prometheus' text format."""
    census: Census | None = None
    try:
        census = await censor.census()
        if census.problem is not None:
            log.warning("the ledger cannot be written", reason=census.problem)
    except StorageUnavailable as error:
        log.warning("the ledger cannot be counted", reason=str(error))
    return Response(
        telemetry.page(census), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )
