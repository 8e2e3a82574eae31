"""Recordings in a folder.

(obstore's ``LocalStore``, version 0.12, does not sync files, so it could lose what it has
acknowledged.)
"""

from __future__ import annotations

import asyncio
import os
import stat
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import attrs

from adapters.object_store.keys import CHUNK, PART, checked
from domain.recordings.store import StoredObject
from domain.shared.errors import NotFound
from domain.shared.recording_errors import RecordingStoreUnavailable

Result = TypeVar("Result")

_WRITTEN_AT_ONCE: Final = 1024 * 1024
_SLICE: Final = 1000


@attrs.frozen
class FileStore:
    """Implements :class:`domain.recordings.store.RecordingStore` with the files in ``folder``.

    An object is written under another name, synced, and renamed; then its folder is synced.
    """

    folder: Path

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:  # noqa: ARG002 - in the name
        """Store the object once it is durable; leave nothing if ``chunks`` raises."""
        path = self.folder / checked(key)
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PART}")
        try:
            file = await _in_thread(_new_file, part, self.folder)
            try:
                size = await _written(file, chunks)
                await _in_thread(_finish, file, part, path)
            finally:
                await _in_thread(file.close)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        return size

    async def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` until before ``end``."""
        file = await _in_thread(_opened, self.folder / checked(key))
        try:
            await _in_thread(file.seek, start)
            while start < end:
                chunk = await _in_thread(file.read, min(CHUNK, end - start))
                if not chunk:
                    raise RecordingStoreUnavailable("A recording's file ends too early.")
                start += len(chunk)
                yield chunk
        finally:
            file.close()

    async def size(self, key: str) -> int | None:
        """Return a file's size; None if there is none."""
        return await _in_thread(_size, self.folder / checked(key))

    async def delete(self, key: str) -> None:
        """Delete a file and sync its folder."""
        await _in_thread(_deleted, self.folder / checked(key))

    async def list(self) -> AsyncIterator[Sequence[StoredObject]]:
        """Yield every file, also one that an interrupted upload has left."""
        files = _files(self.folder)
        while found := await _in_thread(lambda: list(islice(files, _SLICE))):
            yield found

    async def check(self) -> None:
        """Write a file and delete it."""

        async def nothing() -> AsyncIterator[bytes]:
            yield b"."

        try:
            key = f"check-{uuid.uuid4().hex}"
            await self.put(key, nothing(), "")
            await self.delete(key)
        except RecordingStoreUnavailable as error:
            raise RecordingStoreUnavailable(
                f"RECORDINGS_URL names a folder that cannot be used: {error}"
            ) from None


async def _in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do it in a thread. Raises ``RecordingStoreUnavailable`` for what the system refuses."""
    try:
        return await asyncio.to_thread(work, *arguments)
    except OSError as error:
        raise RecordingStoreUnavailable(
            f"The folder of the recordings fails: {error.strerror or 'an error'}."
        ) from error


async def _written(file: IO[bytes], chunks: AsyncIterator[bytes]) -> int:
    """Write what comes, a megabyte at a time; return the number of bytes."""
    size, waiting = 0, bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= _WRITTEN_AT_ONCE:
            await _in_thread(file.write, bytes(waiting))
            size += len(waiting)
            waiting.clear()
    await _in_thread(file.write, bytes(waiting))
    return size + len(waiting)


def _new_file(part: Path, root: Path) -> IO[bytes]:
    if not part.parent.is_dir():
        part.parent.mkdir(parents=True, exist_ok=True)
        above = part.parent
        while above not in (root.parent, above.parent):
            _sync_folder(above)
            above = above.parent
        _sync_folder(root.parent)
    # Buffered: it writes all, or raises.
    return os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb")


def _finish(file: IO[bytes], part: Path, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound("The store has no such object.") from None


def _size(path: Path) -> int | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _deleted(path: Path) -> None:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    _sync_folder(path.parent)


def _files(folder: Path) -> Iterator[StoredObject]:
    """Yield the files in the folder; no link is followed."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                for found in _files(Path(entry.path)):
                    yield attrs.evolve(found, key=f"{entry.name}/{found.key}")
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    modified = datetime.fromtimestamp(about.st_mtime, UTC)
                    yield StoredObject(entry.name, about.st_size, modified)
