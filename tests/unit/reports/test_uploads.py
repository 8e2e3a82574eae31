"""Places for uploads, the body's limits, and the answer after which a worker tries again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import InternalServerException

from adapters.livekit.tokens import TokenFactory
from adapters.livekit.worker_verifier import LiveKitWorkerVerifier
from domain.reports.worker_verifier import OF_WORKERS
from domain.shared.errors import StorageUnavailable, Unstorable
from domain.shared.report_errors import (
    InvalidReport,
    ReportCutShort,
    ReportStalled,
    ReportTooLarge,
    TooManyReports,
    WorkerUnknown,
)
from entrypoints.http.reports.body import UploadLimits, body_chunks, read_to_end
from entrypoints.http.reports.multipart import form_parts
from entrypoints.http.reports.retry_info import Refused, is_temporary
from entrypoints.http.reports.spool import IN_MEMORY, spooled
from entrypoints.http.reports.uploads import Place, Uploads
from entrypoints.http.requests.json_request import IncompleteBody, JsonRequest
from tests.livekit_server import API_KEY, API_SECRET
from tests.reports import an_upload, multipart, worker_token
from tests.unit.reports.reported import chunked


def a_request(*chunks: bytes, length: int | None = None, error: Exception | None = None) -> Any:
    """A request whose body has these chunks; without any, it never comes."""

    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        if error is not None:
            raise error
        if not chunks:
            await asyncio.Event().wait()

    request = SimpleNamespace(stream=stream, content_length=length, scope={"state": {}})
    return cast("JsonRequest", request)


async def read(request: JsonRequest, limits: UploadLimits, place: Place | None = None) -> bytes:
    chunks = body_chunks(request, limits, place or Place(0))
    return b"".join([chunk async for chunk in chunks])


async def test_a_body_is_read_within_its_limits() -> None:
    limits = UploadLimits(size=6)
    assert await read(a_request(b"abc", b"def"), limits) == b"abcdef"
    with pytest.raises(ReportTooLarge):
        await read(a_request(b"abc", b"defg"), limits)
    with pytest.raises(ReportTooLarge):
        await read(a_request(length=7), limits)
    with pytest.raises(IncompleteBody):
        await read(a_request(b"a", error=InternalServerException("gone")), limits)


async def test_a_body_that_stops_arriving_is_ended() -> None:
    soon = timedelta(milliseconds=1)
    for limits in (UploadLimits(size=6, pause=soon), UploadLimits(size=6, total=soon)):
        with pytest.raises(ReportStalled):
            await read(a_request(), limits)


async def test_what_is_left_is_read_whatever_happens() -> None:
    chunks = body_chunks(a_request(b"ab", b"cd"), UploadLimits(size=3), Place(0))
    assert await anext(chunks) == b"ab"
    await read_to_end(chunks)
    assert [chunk async for chunk in chunks] == []


async def test_a_slow_upload_makes_way_and_a_quick_one_does_not() -> None:
    now = asyncio.get_running_loop().time()
    uploads = Uploads(at_once=2)
    slow, quick = Place(now - 60, size=1000), Place(now - 60, size=100_000_000)
    waiting = asyncio.create_task(read(a_request(), UploadLimits(size=6), slow))
    await asyncio.sleep(0)
    with ExitStack() as stack:
        stack.enter_context(uploads.taken(slow))
        stack.enter_context(uploads.taken(quick))
        stack.enter_context(uploads.taken(Place(now)))
        with pytest.raises(TooManyReports):
            await waiting
        with pytest.raises(TooManyReports), uploads.taken(Place(now)):
            pass
    with uploads.taken(Place(now)):
        pass


@given(size=st.integers(1, 200))
async def test_parts_are_the_same_however_the_body_is_cut(size: int) -> None:
    parts = an_upload(audio=b"OggS\r\n--b7c\r\n--b7d1x")
    body = multipart(*parts)

    found = [
        (part.name, b"".join([chunk async for chunk in part.chunks]))
        async for part in form_parts(chunked(body, size), "b7c1")
    ]

    assert found == [(name, content) for name, content, _ in parts]


@given(cut=st.integers(1, 3000))
async def test_a_body_that_is_cut_short_is_no_whole_one(cut: int) -> None:
    body = multipart(*an_upload())
    rest = body[: max(len(body) - 3 - cut, 0)]

    parts = form_parts(chunked(rest, 512), "b7c1")

    with pytest.raises(ReportCutShort if b"\r\n\r\n" in rest else InvalidReport):
        [part.name async for part in parts]


async def test_parts_that_are_not_read_are_skipped() -> None:
    names = [part.name async for part in form_parts(chunked(multipart(*an_upload())), "b7c1")]

    assert names == ["header", "chat_history", "audio"]


@pytest.mark.parametrize("size", [0, 10, IN_MEMORY + 1, 3 * IN_MEMORY])
async def test_what_is_spooled_is_read_as_it_came(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    spool = await spooled(chunked(data, 100_000), len(data), "x")

    assert await spool.read() == data
    spool.close()
    with pytest.raises(ReportTooLarge):
        await spooled(chunked(data, 100_000), len(data) - 1, "x")


def test_a_worker_reads_when_to_try_again() -> None:
    from livekit.agents.telemetry.traces import _parse_retry_delay  # noqa: PLC0415 - takes a second

    refused = Refused()
    answers = [refused.try_again(StorageUnavailable("Down."), "Bearer x") for _ in range(4)]
    stalled = refused.try_again(ReportStalled("x"), "Bearer y")

    delays = [_parse_retry_delay(answer.content) or 0 for answer in (*answers, stalled)]
    assert all(
        0 <= delay - least <= 2 for delay, least in zip(delays, [1, 6, 10, 10, 5], strict=True)
    )
    assert {answer.status_code for answer in (*answers, stalled)} == {503}
    assert is_temporary(StorageUnavailable("x"))
    assert is_temporary(ReportStalled("x"))
    assert not is_temporary(Unstorable("x"))


def test_only_this_keys_workers_are_known() -> None:
    verifier = LiveKitWorkerVerifier(TokenFactory(API_KEY, API_SECRET))
    assert verifier.access(f"Bearer {worker_token()}") == OF_WORKERS
    assert verifier.access(f"bearer  {worker_token()}") == OF_WORKERS
    for wrong in (None, "", " ", "Bearer", "Bearer x", f"Bearer {worker_token()}x"):
        with pytest.raises(WorkerUnknown):
            verifier.verify(wrong)
    assert verifier.access(f"Bearer {worker_token(observability=False)}") is None
