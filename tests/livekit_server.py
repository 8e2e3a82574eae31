"""A real livekit-server for tests: found, started on free loopback ports, stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import pytest

API_KEY: Final = "devkey"
API_SECRET: Final = "a-secret-that-only-tests-know-0123456789"  # the server wants 32 characters
DEPARTURE_SECONDS: Final = 20
"""LiveKit's default."""
_ROOT: Final = Path(__file__).resolve().parent.parent
_START_LIMIT_SECONDS: Final = 60.0


@attrs.frozen
class LiveKitServer:
    """A running server. ``url`` is ``ws://…``; its log is at ``log``."""

    url: str
    api_key: str
    api_secret: str = attrs.field(repr=False)
    pid: int
    log: Path


def find_livekit_server() -> Path:
    """The binary: ``LIVEKIT_SERVER``, else ``.cache/bin/livekit-server``, else on the PATH.

    Where there is none the test is skipped, but fails in CI (``CI`` or ``REQUIRE_LIVEKIT`` set):
    a missing server must not turn a tier green.
    """
    named = os.environ.get("LIVEKIT_SERVER")
    found = named or str(_ROOT / ".cache" / "bin" / "livekit-server")
    if not Path(found).is_file():
        found = "" if named else shutil.which("livekit-server") or ""
    if found:
        return Path(found)
    missing = (
        f"LIVEKIT_SERVER names {named!r}, which is no file."
        if named
        else "There is no livekit-server here; run `make livekit` to build it."
    )
    if os.environ.get("CI") or os.environ.get("REQUIRE_LIVEKIT") == "1":
        raise RuntimeError(missing)
    pytest.skip(missing)


@contextlib.contextmanager
def livekit_server(
    folder: Path,
    *,
    webhook_urls: Sequence[str] = (),
    port: int | None = None,
    redis: str | None = None,
    departure_seconds: int = DEPARTURE_SECONDS,
) -> Iterator[LiveKitServer]:
    """A server that keeps its config and log in ``folder`` and posts events to ``webhook_urls``.

    ``port`` lets a test start it again where it was. With ``redis``, an address, it has trunks and
    dispatch rules. It closes a room ``departure_seconds`` after its last user has left. Blocks
    until the server answers.
    """
    binary = find_livekit_server()
    port = port or free_port()
    config: dict[str, object] = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "rtc": {
            "tcp_port": free_port(),
            "udp_port": free_port(socket.SOCK_DGRAM),
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
        },
        "keys": {API_KEY: API_SECRET},
        "room": {"departure_timeout": departure_seconds},
    }
    if redis:
        config["redis"] = {"address": redis}
    if webhook_urls:
        config["webhook"] = {"api_key": API_KEY, "urls": list(webhook_urls)}
    config_file = folder / "livekit.yaml"
    config_file.write_text(json.dumps(config))  # YAML is a superset of JSON
    log = folder / "livekit.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [binary, "--config", config_file], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until_it_answers(process, port, log)
        yield LiveKitServer(f"ws://127.0.0.1:{port}", API_KEY, API_SECRET, process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=1)  # it would wait for participants and young connections
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A loopback port that nobody listens on right now.

    It is below those that the kernel gives to outgoing connections (32768 and above), one of which
    would take it before its server has started.
    """
    while True:
        port = 16_384 + secrets.randbelow(16_384)
        with socket.socket(socket.AF_INET, kind) as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once the server at ``port`` answers HTTP; fail with the end of its log otherwise."""
    deadline = time.monotonic() + _START_LIMIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"livekit-server did not start:\n{log.read_text()[-2000:]}")
