"""A recording of any size takes little memory, up and down."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3  # type: ignore[import-untyped] # moto brings it
import pytest
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

from tests.livekit_server import free_port
from tests.service import PROJECT

pytestmark = pytest.mark.slow

MOST_GROWTH = 20 * 1024
"""KiB that a process grows by while 100 MB go through it."""

SCRIPT = """
import asyncio, resource, sys
from pathlib import Path
from adapters.object_store.files import FileStore

def store():
    if sys.argv[1] == "file":
        return FileStore(Path(sys.argv[2]))
    from adapters.object_store.s3 import S3Store, bucket_at
    config = {"endpoint": sys.argv[1], "access_key_id": "test", "secret_access_key": "test",
              "region": "us-east-1"}
    return S3Store(bucket_at(sys.argv[2], "", config, allow_http=True))

async def chunks(count):
    for _ in range(count):
        yield bytes(64 * 1024)

async def through(used, count):
    size = await used.put("reports/large.ogg", chunks(count), "audio/ogg")
    assert size == count * 64 * 1024
    read = 0
    async for chunk in used.get("reports/large.ogg", 0, size):
        read += len(chunk)
    assert read == size

async def main():
    used = store()
    await through(used, 160)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await through(used, 1600)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main())
"""


@pytest.fixture
def s3_process() -> Iterator[str]:
    """The address of an S3 API in a process of its own, which keeps what it gets in memory."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", "from moto.server import main; main()", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def growth(*arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    assert growth("file", str(tmp_path)) < MOST_GROWTH


def test_a_large_object_takes_little_memory(s3_process: str) -> None:
    name = f"bucket-{uuid.uuid4()}"
    client = boto3.client(
        "s3",
        endpoint_url=s3_process,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            client.create_bucket(Bucket=name)
            break
        except BotoCoreError:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    assert growth(s3_process, name) < MOST_GROWTH
