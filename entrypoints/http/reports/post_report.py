"""POST /sessions/{sessionId}/report: what workers post by themselves."""

from __future__ import annotations

from litestar import Controller, Router, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.reports.post_report import PostedReport, PostReport, PostReportCommand
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.overload import overload_of
from entrypoints.http.openapi.document import KEYED, LIVEKIT_JWT
from entrypoints.http.reports import documentation
from entrypoints.http.reports.schemas import MAX_POSTED_BYTES, PostedResponse, posted_response
from entrypoints.http.requests.content_coding import coding_of
from entrypoints.http.requests.fields import IdPath
from entrypoints.http.requests.json_request import JsonRequest, UnsupportedMediaType
from entrypoints.http.routing import routes_of

_JSON = "application/json"
_LARGE = 16 * 1024


def routes(container: Container) -> Router:
    """Return the route, with the use case that it calls."""
    return routes_of(PostReportController, _post_report=container.post_report)


class PostReportController(Controller):
    """Take reports that workers post by themselves."""

    tags = ("sessions",)
    security = (*KEYED, {LIVEKIT_JWT: []})

    _post_report: PostReport

    @post(
        "/sessions/{sessionId:str}/report",
        needs=(Scope.SESSIONS_WRITE,),
        hidden=True,
        takes_workers=True,
        status_code=200,
        operation_class=documentation.PostReportOperation,
        request_max_body_size=MAX_POSTED_BYTES,
        summary="Post a session's report, or items of it",
        responses=documentation.RESPONSES,
    )
    async def post_report(
        self,
        sessionId: IdPath,  # noqa: N803
        request: JsonRequest,
        scope: AsgiScope,
    ) -> PostedResponse:
        """Adds to the session's transcript and usage; the same again changes nothing.

        With an API key of the session's tenant, or the JWT that a worker makes for LiveKit's
        observability. A worker that uploads its report to LIVEKIT_OBSERVABILITY_URL needs no call.
        """
        media_type, _ = request.content_type
        if media_type != _JSON:
            raise UnsupportedMediaType(media_type, _JSON)
        coding_of(request.headers)
        report = await self._read(request)
        command = PostReportCommand(session_id=sessionId, report=report, access=access_of(scope))
        return posted_response(await self._post_report(command))

    async def _read(self, request: JsonRequest) -> PostedReport:
        """Read the body: a large one for itself, in its client's turn."""
        overload = overload_of(request.scope)
        try:
            body = await request.body()
            if len(body) <= _LARGE:
                return await self._post_report.read(body)
            async with overload.large_bodies.take(overload.client(request.scope)):
                return await self._post_report.read(body)
        finally:
            request.drop_body()
