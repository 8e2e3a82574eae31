"""The port of the store, on a folder and on S3."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.object_store.files import FileStore
from adapters.object_store.keys import CHUNK
from adapters.object_store.s3 import S3Store, bucket_at
from domain.recordings.store import RecordingStore
from domain.shared.errors import NotFound
from domain.shared.recording_errors import RecordingStoreUnavailable
from tests.contract.recordings.conftest import store_in
from tests.s3 import CREDENTIALS, S3

KEY = "reports/01890a5d-ac96-774b-bcce-b302099a8057.ogg"
MEBIBYTE = 1024 * 1024


class Cut(Exception):
    """The client has gone away."""


async def pieces(*chunks: bytes, then: Exception | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then is not None:
        raise then


async def read(store: RecordingStore, start: int, end: int, key: str = KEY) -> list[bytes]:
    return [chunk async for chunk in store.get(key, start, end)]


async def keys(store: RecordingStore) -> list[str]:
    return [each.key async for part in store.list() for each in part]


async def test_what_is_stored_is_read_whole_and_in_parts(store: RecordingStore) -> None:
    audio = bytes(range(256)) * 28 * 1024  # two parts of an upload

    assert await store.put(KEY, pieces(audio[:100], audio[100:]), "audio/ogg") == len(audio)

    assert await store.size(KEY) == len(audio)
    whole = await read(store, 0, len(audio))
    assert b"".join(whole) == audio
    assert max(map(len, whole)) <= CHUNK
    assert b"".join(await read(store, 5, 70_000)) == audio[5:70_000]
    assert b"".join(await read(store, 7, 7)) == b""
    [stored] = [each async for part in store.list() for each in part]
    assert (stored.key, stored.size) == (KEY, len(audio))
    assert stored.modified_at.tzinfo is not None


async def test_an_empty_object_and_a_replaced_one(store: RecordingStore) -> None:
    assert await store.put(KEY, pieces(), "audio/ogg") == 0
    assert await store.size(KEY) == 0
    assert await store.put(KEY, pieces(b"abc"), "audio/ogg") == 3
    assert await read(store, 0, 3) == [b"abc"]


@pytest.mark.parametrize("sent", [3, 6 * MEBIBYTE], ids=["a little", "more than a part"])
async def test_an_upload_that_is_cut_short_leaves_nothing(store: RecordingStore, sent: int) -> None:
    with pytest.raises(Cut):
        await store.put(KEY, pieces(b"a" * sent, then=Cut()), "audio/ogg")

    assert await store.size(KEY) is None
    assert await keys(store) == []


async def test_a_cancelled_upload_leaves_nothing(store: RecordingStore) -> None:
    waiting = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"a" * 6 * MEBIBYTE
        waiting.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(store.put(KEY, slow(), "audio/ogg"))
    await waiting.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload

    assert await keys(store) == []


async def test_an_upload_to_s3_that_is_given_up_is_aborted(s3: S3) -> None:
    name = s3.new_bucket()
    store = store_in(s3, name)
    waiting = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"a" * 6 * MEBIBYTE
        waiting.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(store.put(KEY, slow(), "audio/ogg"))
    await waiting.wait()
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)
    with pytest.raises(Cut):
        await store.put(KEY, pieces(b"a" * 6 * MEBIBYTE, then=Cut()), "audio/ogg")

    assert "Uploads" not in s3.client.list_multipart_uploads(Bucket=name)


async def test_what_is_not_there_is_missing_and_its_deletion_a_success(
    store: RecordingStore,
) -> None:
    assert await store.size(KEY) is None
    with pytest.raises(NotFound):
        await read(store, 0, 3)
    await store.delete(KEY)
    await store.put(KEY, pieces(b"abc"), "audio/ogg")
    await store.delete(KEY)
    assert await store.size(KEY) is None


async def test_an_object_that_is_shorter_than_was_asked_for_is_an_error(
    store: RecordingStore,
) -> None:
    await store.put(KEY, pieces(b"abc"), "audio/ogg")

    with pytest.raises(RecordingStoreUnavailable):
        await read(store, 0, 4)


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", "a//b", "a\0", ".x", ""])
async def test_no_key_leads_out_of_the_store(store: RecordingStore, key: str) -> None:
    for doing in (store.size(key), store.delete(key), store.put(key, pieces(b"x"), "")):
        with pytest.raises(ValueError, match="not the key"):
            await doing
    with pytest.raises(ValueError, match="not the key"):
        await read(store, 0, 1, key)


async def test_a_store_that_can_be_used_passes_the_check(store: RecordingStore) -> None:
    await store.check()
    assert await keys(store) == []


async def test_a_folder_that_cannot_be_written_fails_the_check(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(RecordingStoreUnavailable, match="RECORDINGS_URL names a folder"):
        await FileStore(tmp_path / "file").check()


async def test_a_bucket_that_is_not_there_fails_the_check(s3: S3) -> None:
    bucket = bucket_at("no-bucket", "", {"endpoint": s3.url, **CREDENTIALS}, allow_http=True)

    with pytest.raises(RecordingStoreUnavailable, match="RECORDINGS_URL names a bucket"):
        await S3Store(bucket).check()


async def test_nothing_outside_of_the_prefix_is_listed(s3: S3) -> None:
    name = s3.new_bucket()
    for key in ("voice/other/x.ogg", "voice/calls-2/x.ogg", "voice/calls", "x.ogg"):
        s3.client.put_object(Bucket=name, Key=key, Body=b"x")
    store = store_in(s3, name)
    await store.put(KEY, pieces(b"abc"), "audio/ogg")

    assert await keys(store) == [KEY]


async def test_a_file_that_an_upload_has_left_is_listed(tmp_path: Path) -> None:
    """After kill -9: a sweep deletes it."""
    store = FileStore(tmp_path)
    await store.put(KEY, pieces(b"abc"), "audio/ogg")
    (tmp_path / "reports" / "x.ogg.0123.part").write_bytes(b"ab")

    assert sorted(await keys(store)) == sorted([KEY, "reports/x.ogg.0123.part"])


async def test_what_the_disk_does_not_keep_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FileStore(tmp_path)
    await store.put(KEY, pieces(b"abc"), "audio/ogg")
    await store.delete(KEY)
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(RecordingStoreUnavailable, match="No space left"):
        await store.put(KEY, pieces(b"abc"), "audio/ogg")
    assert await keys(store) == []
