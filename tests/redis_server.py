"""A real Redis for tests, started on a free loopback port, stopped by its pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.livekit_server import free_port

_START_LIMIT_SECONDS: Final = 20.0


def find_redis() -> str:
    """Return the binary. Without one the test is skipped, but fails in CI (``CI`` set)."""
    found = shutil.which("redis-server")
    if found is not None:
        return found
    missing = "There is no Redis here; run `sh scripts/install_redis.sh`."
    if os.environ.get("CI"):
        raise RuntimeError(missing)
    pytest.skip(missing)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Yield the address of a server that stores nothing on disk; its log is in ``folder``."""
    port = free_port()
    log = folder / "redis.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [find_redis(), "--bind", "127.0.0.1", "--port", str(port), "--save", "",
             "--appendonly", "no", "--dir", str(folder)],
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait_until_it_listens(process, port, log)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"Redis did not start:\n{log.read_text()[-2000:]}")
