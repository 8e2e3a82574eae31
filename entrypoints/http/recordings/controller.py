"""GET /sessions/{sessionId}/recording, /telephony/calls/{callId}/recording, signed links, egress"""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, Router, get, head, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.recordings.link import MakeLink
from domain.recordings.play_recording import PlayRecording
from domain.recordings.read_recordings import ReadRecordings
from domain.recordings.start_recording import StartRecording
from domain.recordings.stop_recording import StopRecording
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.headers import header
from entrypoints.http.middleware.overload import overload_of
from entrypoints.http.openapi.document import KEYED
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.recordings import documentation, schemas
from entrypoints.http.recordings.audio import AudioResponse, audio_response
from entrypoints.http.recordings.schemas import (
    ExpiresQuery,
    RecordingIdQuery,
    RecordingLinkResponse,
    RecordingsResponse,
    SignatureQuery,
    TtlQuery,
)
from entrypoints.http.requests.fields import IdPath
from entrypoints.http.routing import routes_of
from entrypoints.presenters.recordings import RecordingResponse, recording_response
from entrypoints.presenters.times import rfc3339

READS: Final = (Scope.CALLS_READ, Scope.SESSIONS_WRITE)
_SESSION: Final = "/sessions/{sessionId:str}/recording"
_CALL: Final = "/telephony/calls/{callId:str}/recording"
_LINK: Final = "/recordings/{recordingId:str}"


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        RecordingsController,
        _play=container.play_recording,
        _read_recordings=container.read_recordings,
        _make_link=container.make_link,
        _start=container.start_recording,
        _stop=container.stop_recording,
    )


class RecordingsController(Controller):
    """Play, list and make recordings."""

    tags = ("recordings",)
    security = KEYED

    _play: PlayRecording
    _read_recordings: ReadRecordings
    _make_link: MakeLink
    _start: StartRecording
    _stop: StopRecording

    @get(
        _SESSION,
        needs=READS,
        hidden=True,
        operation_class=Operation,
        summary="A session's audio (development, or with an API key)",
        media_type="audio/ogg",
        responses=documentation.PLAY_RESPONSES,
    )
    async def play_session(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
        recording_id: RecordingIdQuery = None,
    ) -> AudioResponse:
        """The newest recording of which there is audio. `Range` asks for a part of it."""
        found = await self._play.of_session(sessionId, access_of(scope), recording_id)
        return await audio_response(scope, found)

    @head(_SESSION, needs=READS, hidden=True, include_in_schema=False)
    async def look_at_session(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
        recording_id: RecordingIdQuery = None,
    ) -> Response[None]:
        """The headers of the audio."""
        found = await self._play.of_session(sessionId, access_of(scope), recording_id)
        return await audio_response(scope, found)

    @get(
        _CALL,
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=Operation,
        summary="A call's audio (development, or with an API key)",
        media_type="audio/ogg",
        responses=documentation.PLAY_RESPONSES,
    )
    async def play_call(
        self,
        callId: IdPath,  # noqa: N803
        scope: AsgiScope,
        recording_id: RecordingIdQuery = None,
    ) -> AudioResponse:
        """The newest recording of which there is audio. `Range` asks for a part of it."""
        found = await self._play.of_call(callId, access_of(scope), recording_id)
        return await audio_response(scope, found)

    @head(_CALL, needs=(Scope.CALLS_READ,), hidden=True, include_in_schema=False)
    async def look_at_call(
        self,
        callId: IdPath,  # noqa: N803
        scope: AsgiScope,
        recording_id: RecordingIdQuery = None,
    ) -> Response[None]:
        """The headers of the audio."""
        found = await self._play.of_call(callId, access_of(scope), recording_id)
        return await audio_response(scope, found)

    @get(
        "/sessions/{sessionId:str}/recordings",
        needs=READS,
        hidden=True,
        operation_class=Operation,
        summary="A session's recordings (development, or with an API key)",
        responses=documentation.LIST_RESPONSES,
    )
    async def list_recordings(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> RecordingsResponse:
        """Those of the worker's reports and those of LiveKit's egress, the newest first."""
        found = await self._read_recordings.of_session(sessionId, access_of(scope))
        return schemas.recordings_response(found)

    @post(
        f"{_SESSION}/link",
        needs=READS,
        hidden=True,
        status_code=200,
        operation_class=Operation,
        summary="A link that plays a session's audio without a key",
        responses=documentation.LINK_RESPONSES,
    )
    async def make_recording_link(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
        recording_id: RecordingIdQuery = None,
        ttl_seconds: TtlQuery = None,
    ) -> RecordingLinkResponse:
        """For an `<audio>` element, which sends no headers.

        The link ends after `ttlSeconds`, and when the recording is erased.
        """
        link = await self._make_link.of_session(
            sessionId, access_of(scope), recording_id, schemas.seconds(ttl_seconds)
        )
        return schemas.link_response(link, _base(scope), rfc3339(link.expires_at))

    @post(
        f"{_SESSION}/start",
        needs=(Scope.SESSIONS_WRITE,),
        hidden=True,
        status_code=200,
        operation_class=Operation,
        summary="Record a live session by LiveKit's egress (development, or with an API key)",
        responses=documentation.CONTROL_RESPONSES,
    )
    async def start_recording(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> RecordingResponse:
        """A session is recorded once at a time: posting again returns the running recording.

        LiveKit may take half a minute to answer where it has no egress service.
        """
        return recording_response(await self._start(sessionId, access_of(scope)))

    @post(
        f"{_SESSION}/stop",
        needs=(Scope.SESSIONS_WRITE,),
        hidden=True,
        status_code=200,
        operation_class=Operation,
        summary="Stop the recording of a session",
        responses=documentation.CONTROL_RESPONSES,
    )
    async def stop_recording(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> RecordingResponse:
        """The recording is `available` once LiveKit has stored it."""
        return recording_response(await self._stop(sessionId, access_of(scope)))

    @get(
        _LINK,
        public=True,
        security=[{}],
        operation_class=Operation,
        summary="The audio behind a signed link",
        media_type="audio/ogg",
        responses=documentation.OPEN_RESPONSES,
    )
    async def open_recording_link(
        self,
        recordingId: IdPath,  # noqa: N803
        scope: AsgiScope,
        expires: ExpiresQuery = None,
        signature: SignatureQuery = None,
    ) -> AudioResponse:
        """`POST /sessions/{sessionId}/recording/link` makes such links."""
        return await audio_response(
            scope, await self._play.by_link(recordingId, expires, signature)
        )

    @head(_LINK, public=True, include_in_schema=False)
    async def look_at_link(
        self,
        recordingId: IdPath,  # noqa: N803
        scope: AsgiScope,
        expires: ExpiresQuery = None,
        signature: SignatureQuery = None,
    ) -> Response[None]:
        """The headers of the audio."""
        return await audio_response(
            scope, await self._play.by_link(recordingId, expires, signature)
        )


def _base(scope: AsgiScope) -> str:
    """Return the address that the client used, as far as a trusted proxy is there to tell it."""
    scheme = str(scope.get("scheme", "http"))
    if overload_of(scope).trusted_proxies:
        forwarded = header(scope, b"x-forwarded-proto").decode("latin-1").strip().lower()
        scheme = forwarded if forwarded in ("http", "https") else scheme
    host = header(scope, b"host").decode("latin-1")
    return f"{scheme}://{host}" if host else ""
