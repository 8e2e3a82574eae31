from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3  # type: ignore[import-untyped] # moto brings it
import pytest
from moto.server import ThreadedMotoServer

from adapters.object_store.files import FileStore
from adapters.object_store.s3 import S3Store, bucket_at
from domain.recordings.store import RecordingStore
from tests.contract.recordings.s3 import CREDENTIALS, S3


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """An S3 API on loopback."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    names = ("aws_access_key_id", "aws_secret_access_key", "region_name")
    client = boto3.client(
        "s3", endpoint_url=url, **dict(zip(names, CREDENTIALS.values(), strict=True))
    )
    yield S3(url, client)
    server.stop()


@pytest.fixture(params=["a folder", "S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RecordingStore:
    """The port under test, empty, of each kind."""
    if request.param == "a folder":
        return FileStore(tmp_path / "recordings")
    return new_bucket(request.getfixturevalue("s3"))


def new_bucket(s3: S3) -> S3Store:
    """A store in an empty bucket."""
    name = f"bucket-{uuid.uuid4()}"
    s3.client.create_bucket(Bucket=name)
    config = {"endpoint": s3.url, **CREDENTIALS}
    return S3Store(bucket_at(name, "voice/calls", config, allow_http=True))
