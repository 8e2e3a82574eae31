"""LiveKit's EgressService (https://docs.livekit.io/home/egress/overview/)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import attrs
import msgspec
from google.protobuf.json_format import ParseDict, ParseError
from livekit.api import ServerError, ServerErrorCode
from livekit.protocol.egress import (
    EgressInfo,
    EgressStatus,
    EncodedFileOutput,
    EncodedFileType,
    FileInfo,
    ListEgressRequest,
    RoomCompositeEgressRequest,
    S3Upload,
    StopEgressRequest,
)

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors
from adapters.livekit.moments import from_nanoseconds
from adapters.livekit.transport import UnexpectedResponse
from domain.recordings.egress import EgressFact, EgressState
from domain.shared.errors import InvalidWebhook
from domain.shared.identifiers import LONGEST_ID, RoomName
from domain.shared.livekit_errors import LiveKitWithoutEgress
from domain.shared.storable_text import storable

_STATES: Final[Mapping[EgressStatus, EgressState]] = {
    EgressStatus.EGRESS_STARTING: EgressState.STARTING,
    EgressStatus.EGRESS_ACTIVE: EgressState.ACTIVE,
    EgressStatus.EGRESS_ENDING: EgressState.ENDING,
    EgressStatus.EGRESS_COMPLETE: EgressState.COMPLETE,
    # It has recorded as much as it may.
    EgressStatus.EGRESS_LIMIT_REACHED: EgressState.COMPLETE,
}
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_REDIS: Final = "egress not connected"
_NO_WORKER: Final = "no response from servers"
_NO_EGRESS: Final = (
    "No egress service takes the request: LiveKit needs Redis (redis.address), and livekit/egress "
    "beside it that is not at capacity (its log says so)."
)
_PAGES: Final = 10
"""Pages of a list that are read; a page has a hundred entries."""


@attrs.frozen
class EgressOutput:
    """Where egresses write: ``root`` is what comes before an object's key in their paths.

    ``s3`` is the bucket with its credentials, which LiveKit gets; None for a folder that the egress
    service shares.
    """

    root: str
    s3: S3Upload | None = attrs.field(default=None, repr=False)

    def path(self, key: str) -> str:
        """Return the path of an object."""
        return f"{self.root}{key}"

    def key(self, path: str) -> str | None:
        """Return the key of the object at ``path``; None if it is none of ours."""
        return path.removeprefix(self.root) if path.startswith(self.root) else None


@attrs.frozen
class LiveKitEgresses:
    """Implements :class:`domain.recordings.egress.Egresses`: rooms' audio, as Ogg files."""

    client: LiveKitClient
    output: EgressOutput

    async def start(self, room_name: RoomName, key: str) -> EgressFact:
        """Begin to record the room's audio into the object ``key``."""
        file = EncodedFileOutput(
            file_type=EncodedFileType.OGG,
            filepath=self.output.path(key),
            disable_manifest=True,
            s3=self.output.s3,
        )
        request = RoomCompositeEgressRequest(
            room_name=str(room_name), audio_only=True, file_outputs=[file]
        )
        with _egress_errors():
            info = await self.client.egress.start_room_composite_egress(request)
            if not info.egress_id:
                raise UnexpectedResponse("a new egress without an id")
        fact = egress_fact(info, self.output)
        return attrs.evolve(fact, key=key, recording_id=_recording_id(key))

    async def stop(self, egress_id: str) -> bool:
        """Let it complete; return whether a service runs it. One that has ended is a success."""
        with _egress_errors():
            try:
                await self.client.egress.stop_egress(StopEgressRequest(egress_id=egress_id))
            except ServerError as error:
                if error.code not in (ServerErrorCode.NOT_FOUND, _ENDED):
                    raise
                return False
        return True

    async def in_room(self, room_name: RoomName) -> Sequence[EgressFact]:
        """Return what records the room into an object of ours, or has lately."""
        facts = await self._listed(ListEgressRequest(room_name=str(room_name)))
        return [fact for fact in facts if fact.recording_id is not None]

    async def find(self, egress_id: str) -> EgressFact | None:
        """Return the egress with this id; None if LiveKit does not know it."""
        try:
            facts = await self._listed(ListEgressRequest(egress_id=egress_id))
        except _NotFound:
            return None
        return next((fact for fact in facts if fact.egress_id == egress_id), None)

    async def _listed(self, request: ListEgressRequest) -> list[EgressFact]:
        found: list[EgressFact] = []
        with _egress_errors():
            for _ in range(_PAGES):
                try:
                    answer = await self.client.egress.list_egress(request)
                except ServerError as error:
                    if error.code == ServerErrorCode.NOT_FOUND:
                        raise _NotFound from None
                    raise
                found += [egress_fact(info, self.output) for info in answer.items]
                if not answer.next_page_token.token:
                    break
                request.page_token.CopyFrom(answer.next_page_token)
        return found


_ENDED: Final = "failed_precondition"
"""LiveKit's answer to a stop of an egress that has ended, or that ends and that no service runs."""


class _NotFound(Exception):
    """LiveKit does not know the egress."""


@attrs.frozen
class LiveKitEgressReader:
    """Implements :class:`domain.recordings.egress.EgressReader`."""

    output: EgressOutput

    def read(self, body: bytes) -> EgressFact | None:
        """Return what an event's body reports of an egress; None if it names none."""
        try:
            event = _EVENT.decode(body)
            if event.egress_info is None:
                return None
            info = ParseDict(event.egress_info, EgressInfo(), ignore_unknown_fields=True)
        except (msgspec.DecodeError, ParseError, UnicodeDecodeError, RecursionError):
            raise InvalidWebhook("The event's egressInfo cannot be read.") from None
        return egress_fact(info, self.output) if info.egress_id else None


class _Event(msgspec.Struct):
    egress_info: dict[str, object] | None = msgspec.field(default=None, name="egressInfo")


_EVENT: Final = msgspec.json.Decoder(_Event)


_FAILED: Final = "LiveKit's egress reports an error. The log of the egress service has the reason."
"""In place of its own words, which may name the bucket, its endpoint and hosts."""

_ABORTED: Final = "The egress ended before there was audio to record."


def egress_fact(info: EgressInfo, output: EgressOutput) -> EgressFact:
    """Return what LiveKit reports of an egress."""
    wanted = [each.filepath for each in info.room_composite.file_outputs]
    result = info.file_results[0] if info.file_results else None
    paths = [path for path in ([] if result is None else [result.filename]) + wanted if path]
    keys = [key for path in paths if (key := output.key(path)) is not None]
    key = next((key for key in keys if _recording_id(key) is not None), None)
    return EgressFact(
        egress_id=storable(info.egress_id)[:LONGEST_ID],
        room_name=info.room_name,
        state=_state(info, result),
        key=key,
        recording_id=None if key is None else _recording_id(key),
        started_at=from_nanoseconds(result.started_at if result else info.started_at),
        duration=None if not result or result.duration <= 0 else _duration(result.duration),
        size=result.size if result and result.size > 0 else None,
        error=_error(info),
    )


def _state(info: EgressInfo, result: FileInfo | None) -> EgressState:
    """Return the state; an egress that failed after it had stored its audio has completed.

    That is how livekit/egress 1.14.1 ends one where its service shuts down or lacks CPU.
    """
    is_stored = result is not None and result.location != "" and result.size > 0
    if info.status == EgressStatus.EGRESS_FAILED and is_stored:
        return EgressState.COMPLETE
    return _STATES.get(info.status, EgressState.FAILED)


def _error(info: EgressInfo) -> str | None:
    if info.status == EgressStatus.EGRESS_ABORTED:
        return _ABORTED
    return _FAILED if info.error or info.details else None


def _duration(nanoseconds: int) -> timedelta:
    return timedelta(milliseconds=min(nanoseconds // 1_000_000, 10**12))


def _recording_id(key: str) -> str | None:
    found = _UUID.search(key) if key.startswith("egress/") else None
    return None if found is None else found[0]


@contextmanager
def _egress_errors() -> Iterator[None]:
    """Translate as :func:`livekit_errors`; say so where there is no egress service."""
    with livekit_errors():
        try:
            yield
        except ServerError as error:
            if _NO_REDIS in error.message or _NO_WORKER in error.message:
                raise LiveKitWithoutEgress(_NO_EGRESS) from error
            raise
