"""Recordings in an S3-compatible bucket, by obstore."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

import attrs
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from adapters.object_store.keys import CHUNK, checked
from domain.recordings.store import StoredObject
from domain.shared.errors import NotFound
from domain.shared.recording_errors import RecordingStoreUnavailable

_PART: Final = 5 * 1024 * 1024
"""Bytes of a part of an upload, the least that S3 takes."""
_SLICE: Final = 1000
_ABORT_SECONDS: Final = 10.0
_RETRIES: Final = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


def bucket_at(bucket: str, prefix: str, config: Mapping[str, Any], *, allow_http: bool) -> Bucket:
    """Return the bucket; obstore reads from the environment what ``config`` leaves out."""
    return Bucket(
        bucket,
        prefix=prefix or None,
        config=dict(config),  # type: ignore[arg-type]
        client_options={
            "allow_http": allow_http,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(minutes=15),
        },
        retry_config=_RETRIES,  # type: ignore[arg-type]
    )


@attrs.frozen
class S3Store:
    """Implements :class:`domain.recordings.store.RecordingStore` with the objects in ``bucket``."""

    bucket: Bucket

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:
        """Upload in parts; abort the upload if ``chunks`` raises, or this is cancelled."""
        feed = _Feed(chunks)
        with _errors():
            upload = asyncio.ensure_future(
                obstore.put_async(
                    self.bucket,
                    checked(key),
                    feed,
                    use_multipart=True,
                    chunk_size=_PART,
                    max_concurrency=1,
                    attributes={"Content-Type": content_type} if content_type else None,
                )
            )
            try:
                # A cancelled upload would stay open: obstore aborts one whose source fails.
                await asyncio.shield(upload)
            except asyncio.CancelledError:
                feed.cut()
                with suppress(Exception):
                    await asyncio.wait_for(upload, _ABORT_SECONDS)
                raise
            except Exception:
                if feed.error is not None:
                    raise feed.error from None
                raise
        if await self.size(key) != feed.size:
            raise RecordingStoreUnavailable("The bucket has stored another size than was sent.")
        return feed.size

    async def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` until before ``end``."""
        if start >= end:
            return
        with _errors():
            found = await obstore.get_async(
                self.bucket, checked(key), options={"range": (start, end)}
            )
            async for piece in found.stream(min_chunk_size=CHUNK):
                view = memoryview(piece)
                for at in range(0, len(view), CHUNK):
                    yield bytes(view[at : at + CHUNK])
                start += len(view)
        if start != end:
            raise RecordingStoreUnavailable("A recording's object ends too early.")

    async def size(self, key: str) -> int | None:
        """Return an object's size; None if there is none."""
        try:
            with _errors():
                size: int = (await obstore.head_async(self.bucket, checked(key)))["size"]
        except NotFound:
            return None
        return size

    async def delete(self, key: str) -> None:
        """Delete an object."""
        with suppress(NotFound), _errors():
            await obstore.delete_async(self.bucket, checked(key))

    async def list(self) -> AsyncIterator[Sequence[StoredObject]]:
        """Yield every object under the prefix."""
        with _errors():
            async for found in obstore.list(self.bucket, chunk_size=_SLICE):
                yield [
                    StoredObject(each["path"], each["size"], each["last_modified"])
                    for each in found
                ]

    async def check(self) -> None:
        """Write an object and delete it."""
        key = f"check-{uuid.uuid4().hex}"
        try:
            with _errors():
                await obstore.put_async(self.bucket, key, b".", use_multipart=False)
                await obstore.delete_async(self.bucket, key)
        except (RecordingStoreUnavailable, NotFound) as error:
            raise RecordingStoreUnavailable(
                f"RECORDINGS_URL names a bucket that cannot be used: {error} Check the bucket's "
                "name, AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            ) from None


class _Feed:
    """Counts the bytes that an upload takes, and can be made to fail."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._next: asyncio.Future[bytes] | None = None
        self._is_cut = False
        self.size = 0
        self.error: BaseException | None = None

    def cut(self) -> None:
        """Let the upload fail at its next chunk."""
        self._is_cut = True
        if self._next is not None:
            self._next.cancel()

    def __aiter__(self) -> _Feed:
        return self

    async def __anext__(self) -> bytes:
        if self._is_cut:
            raise _Cut
        self._next = asyncio.ensure_future(_next_of(self._chunks))
        try:
            chunk = await self._next
        except asyncio.CancelledError:
            raise _Cut from None
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self.error = error
            raise
        self.size += len(chunk)
        return chunk


class _Cut(Exception):
    """The upload was given up."""


async def _next_of(chunks: AsyncIterator[bytes]) -> bytes:
    return await anext(chunks)


@contextmanager
def _errors() -> Iterator[None]:
    """Translate obstore's errors: their texts have addresses and the server's XML."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("The store has no such object.") from error
    except BaseError as error:
        reason = "refuses the credentials" if _is_refusal(error) else "fails or does not answer"
        raise RecordingStoreUnavailable(f"The bucket of the recordings {reason}.") from error


def _is_refusal(error: BaseError) -> bool:
    return type(error).__name__ in {"PermissionDeniedError", "UnauthenticatedError"}
