"""An S3 API on loopback, by moto."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import attrs

CREDENTIALS: Final = {
    "access_key_id": "test",
    "secret_access_key": "test",
    "region": "us-east-1",
}


@attrs.frozen
class S3:
    """Its address, and boto's client."""

    url: str
    client: Any

    def new_bucket(self) -> str:
        """The name of an empty bucket."""
        name = f"bucket-{uuid.uuid4()}"
        self.client.create_bucket(Bucket=name)
        return name


@contextmanager
def running_s3() -> Iterator[S3]:
    """An S3 API for the length of a block."""
    # Here, because they take each process that collects the tests two seconds.
    import boto3  # type: ignore[import-untyped] # noqa: PLC0415 - moto brings it
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        url = f"http://127.0.0.1:{port}"
        names = ("aws_access_key_id", "aws_secret_access_key", "region_name")
        keys = dict(zip(names, CREDENTIALS.values(), strict=True))
        yield S3(url, boto3.client("s3", endpoint_url=url, **keys))
    finally:
        server.stop()
