"""GET /sessions/{sessionId}/transcript, /telephony/calls/{callId}/transcript and /transcripts"""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, Router, get
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.shared.identifiers import CallId, SessionId
from domain.transcripts.read_transcript import ReadTranscript
from domain.transcripts.repository import TranscriptSearch
from domain.transcripts.search_query import LONGEST_QUERY, SearchQuery
from domain.transcripts.search_transcripts import SearchTranscripts
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.overload import overload_of
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES, read_responses
from entrypoints.http.openapi.operation import Operation, linked, of_body, to
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import CursorQuery, IdPath, LimitQuery, query_parameter
from entrypoints.http.routing import routes_of
from entrypoints.http.transcripts.answer import answer, format_of
from entrypoints.presenters.transcripts import (
    SearchResponse,
    TranscriptResponse,
    search_response,
)

SearchTranscriptsOperation: Final = linked(
    200, nextPage=to("searchTranscripts", cursor=of_body("nextCursor"))
)
_TIME: Final = {"format": OpenAPIFormat.DATE_TIME, "examples": ["2026-11-23T06:27:37.123Z"]}
_UUID: Final = {"format": OpenAPIFormat.UUID}

WordsQuery = Annotated[
    str | None,
    query_parameter(
        "q",
        max_length=LONGEST_QUERY,
        examples=['refund "order number" deliver*'],
        description='Words, `"phrases"` and `prefix*`; an item must have all of them.',
    ),
]
SessionQuery = Annotated[str | None, query_parameter("sessionId", **_UUID)]
CallQuery = Annotated[str | None, query_parameter("callId", **_UUID)]
FromTimeQuery = Annotated[str | None, query_parameter("from", **_TIME)]
ToTimeQuery = Annotated[str | None, query_parameter("to", **_TIME)]


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        TranscriptsController,
        _read_transcript=container.read_transcript,
        _search_transcripts=container.search_transcripts,
    )


class TranscriptsController(Controller):
    """Read and search what was said."""

    tags = ("transcripts",)
    security = KEYED

    _read_transcript: ReadTranscript
    _search_transcripts: SearchTranscripts

    @get(
        "/sessions/{sessionId:str}/transcript",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=Operation,
        summary="What was said in a session (development, or with an API key)",
        responses=read_responses("There is no such session."),
    )
    async def session_transcript(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> Response[TranscriptResponse]:
        """JSON; text for `Accept: text/plain`, captions for `Accept: text/vtt`.

        Also at `…/transcript.json`, `.txt` and `.vtt`. A session without a report has no items.
        """
        return await self._of_session(sessionId, scope)

    @get(
        [f"/sessions/{{sessionId:str}}/transcript.{end}" for end in ("json", "txt", "vtt")],
        needs=(Scope.CALLS_READ,),
        hidden=True,
        include_in_schema=False,
    )
    async def session_transcript_file(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> Response[TranscriptResponse]:
        """Answer in the format that the path names."""
        return await self._of_session(sessionId, scope)

    @get(
        "/telephony/calls/{callId:str}/transcript",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=Operation,
        summary="What was said in a call (development, or with an API key)",
        responses=read_responses("There is no such call."),
    )
    async def call_transcript(
        self,
        callId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> Response[TranscriptResponse]:
        """The items of the call's session, in the formats of a session's transcript.

        Where several calls share a session, those of the time that this one lasted.
        """
        return await self._of_call(callId, scope)

    @get(
        [f"/telephony/calls/{{callId:str}}/transcript.{end}" for end in ("json", "txt", "vtt")],
        needs=(Scope.CALLS_READ,),
        hidden=True,
        include_in_schema=False,
    )
    async def call_transcript_file(
        self,
        callId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> Response[TranscriptResponse]:
        """Answer in the format that the path names."""
        return await self._of_call(callId, scope)

    @get(
        "/transcripts",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=SearchTranscriptsOperation,
        summary="Search what was said (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def search_transcripts(  # noqa: PLR0913, PLR0917 - each filter is a parameter
        self,
        scope: AsgiScope,
        words: WordsQuery = None,
        session_id: SessionQuery = None,
        call_id: CallQuery = None,
        since: FromTimeQuery = None,
        until: ToTimeQuery = None,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> SearchResponse:
        """Messages, and what tools were given and returned, the newest first.

        Case and accents are ignored. `from` (included) and `to` (not) bound `createdAt`.
        """
        wanted = TranscriptSearch(
            query=SearchQuery.parse(words),
            session_id=query.identifier(SessionId, session_id),
            call_id=query.identifier(CallId, call_id),
            created=query.span(since, until, ("from", "to")),
        )
        after, most = query.position(cursor), query.limit(limit)
        overload = overload_of(scope)
        async with overload.lists.take(overload.client(scope)):
            page = await self._search_transcripts(wanted, access_of(scope), after, most)
        return search_response(page)

    async def _of_session(self, session_id: str, scope: AsgiScope) -> Response[TranscriptResponse]:
        transcript = await self._read_transcript.of_session(session_id, access_of(scope))
        return await answer(transcript, format_of(scope))

    async def _of_call(self, call_id: str, scope: AsgiScope) -> Response[TranscriptResponse]:
        transcript = await self._read_transcript.of_call(call_id, access_of(scope))
        return await answer(transcript, format_of(scope))
