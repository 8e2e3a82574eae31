"""POST /observability/recordings/v0: what an unchanged livekit-agents worker uploads."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from litestar import Controller, Response, Router, post
from litestar.exceptions import HTTPException

from domain.reports.receive_report import IncomingReport, ReceiveReport
from domain.reports.report import Report
from domain.reports.worker_verifier import WorkerVerifier
from domain.shared.errors import DomainError
from domain.shared.report_errors import ReportNotSpooled
from entrypoints.container import Container
from entrypoints.http.middleware.overload import overload_of
from entrypoints.http.middleware.request_log import ids
from entrypoints.http.reports.body import UploadLimits, body_chunks, read_to_end
from entrypoints.http.reports.multipart import boundary_of, form_parts
from entrypoints.http.reports.retry_info import Refused, is_temporary
from entrypoints.http.reports.schemas import received_response
from entrypoints.http.reports.upload import receive
from entrypoints.http.reports.uploads import Place, Uploads
from entrypoints.http.requests.json_request import JsonRequest
from entrypoints.http.routing import routes_of

log = structlog.get_logger()


def routes(container: Container) -> Router:
    """Return the route, with the use case that it calls."""
    limits = UploadLimits(size=container.settings().report_max_bytes)
    return routes_of(
        RecordingsController,
        _verifier=container.worker_verifier,
        _receive_report=container.receive_report,
        _limits=lambda: limits,
        _uploads=Uploads,
        _refused=Refused,
    )


class RecordingsController(Controller):
    """Receive workers' reports."""

    tags = ("reports",)

    _verifier: WorkerVerifier
    _receive_report: ReceiveReport
    _limits: UploadLimits
    _uploads: Uploads
    _refused: Refused

    @post(
        "/observability/recordings/v0",
        public=True,
        status_code=200,
        include_in_schema=False,  # LiveKit's own, for its workers: docs/reports.md
        request_max_body_size=None,
    )
    async def upload_report(self, request: JsonRequest) -> Response[Any]:
        """Store a session's transcript, usage and audio; a repetition changes nothing.

        The body of a sender without a worker's JWT is not read. After a temporary failure the
        worker is asked to try again; whatever is answered 200 is durable.
        """
        self._verifier.verify(request.headers.get("authorization"))
        boundary = boundary_of(request.headers.get("content-type", ""))
        incoming = self._receive_report.begin()
        try:
            return await self._received(request, boundary, incoming)
        finally:
            await incoming.abandon()  # unless it is kept

    async def _received(
        self, request: JsonRequest, boundary: str, incoming: IncomingReport
    ) -> Response[Any]:
        place = Place(asyncio.get_running_loop().time())
        chunks = body_chunks(request, self._limits, place)
        try:
            with self._uploads.taken(place):
                await receive(incoming, form_parts(chunks, boundary), overload_of(request.scope))
                report = await incoming.keep()
        except DomainError as error:
            if not is_temporary(error):
                raise
            temporary = error
        except HTTPException:
            raise
        except OSError as error:
            temporary = ReportNotSpooled(f"A part could not be stored: {error.strerror}.")
        except Exception as error:
            log.error("unexpected error", exc_info=error, **ids(request.scope))
            temporary = ReportNotSpooled("Something went wrong here; the log has the details.")
        else:
            _note(report, incoming)
            return Response(received_response(report))
        log.warning(
            "report put off", code=temporary.code, reason=str(temporary), **ids(request.scope)
        )
        await read_to_end(chunks)
        return self._refused.try_again(temporary, request.headers.get("authorization", ""))


def _note(report: Report, incoming: IncomingReport) -> None:
    log.info(
        "report received",
        report=str(report.id),
        session=None if report.session_id is None else str(report.session_id),
        job=report.job_id,
        transcript=report.transcript.value,
        audio=report.audio.value,
        problems=incoming.problems,
    )
