from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.object_store.files import FileStore
from adapters.object_store.s3 import S3Store, bucket_at
from domain.recordings.store import RecordingStore
from tests.s3 import CREDENTIALS, S3, running_s3


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with running_s3() as s3:
        yield s3


@pytest.fixture(params=["a folder", "S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RecordingStore:
    """The port under test, empty, of each kind."""
    if request.param == "a folder":
        return FileStore(tmp_path / "recordings")
    s3: S3 = request.getfixturevalue("s3")
    return store_in(s3, s3.new_bucket())


def store_in(s3: S3, bucket: str) -> S3Store:
    """A store in a bucket."""
    config = {"endpoint": s3.url, **CREDENTIALS}
    return S3Store(bucket_at(bucket, "voice/calls", config, allow_http=True))
