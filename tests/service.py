"""The service as a real process, for every tier that needs one."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs
import httpx
import psutil

from tests.livekit_server import free_port
from tests.warm_processes import PROJECT, Process, popen

__all__ = ["PROJECT", "Service", "launch", "migrate", "refusal", "running", "start"]

START_LIMIT_SECONDS = 120.0
STOP_LIMIT_SECONDS = 30.0


@attrs.define
class Service:
    """A running ``python -m entrypoints.http``; its output is in ``log``."""

    url: str
    process: psutil.Popen
    log: Path
    started_in: float

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        """The process and its workers."""
        return [self.process, *self.process.children(recursive=True)]

    def kill(self) -> None:
        """SIGKILL to the whole family, as a machine that loses power does."""
        family = self.family()
        for member in family:
            with suppress(psutil.NoSuchProcess):  # it has just died of something else
                member.kill()
        psutil.wait_procs(family, timeout=10)

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after ``sig``; no worker is left behind."""
        family = self.family()
        self.process.send_signal(sig)
        code = int(self.process.wait(timeout=STOP_LIMIT_SECONDS))
        _, alive = psutil.wait_procs(family, timeout=STOP_LIMIT_SECONDS)
        assert not alive, f"left behind: {alive}"
        return code


SERVICE: Final = "entrypoints.http"


def launch(
    environ: Mapping[str, str], folder: Path, module: str = SERVICE, log: Path | None = None
) -> tuple[psutil.Popen, Path]:
    """Start the service in ``folder`` with ``environ`` and nothing else of this process's.

    ``module`` is what follows ``python -m``, with its arguments.
    """
    log = log or folder / f"service-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        name, *arguments = module.split()
        started = popen(name, arguments, folder, environ, stdout=output, stderr=subprocess.STDOUT)
    return Process(started), log


def start(
    environ: Mapping[str, str], folder: Path, module: str = SERVICE, log: Path | None = None
) -> Service:
    """A service that answers GET /health, at ``PORT`` if ``environ`` has one."""
    port = int(environ.get("PORT") or free_port())
    url = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    # Requests are counted, but tests and benchmarks are more than one client should be.
    defaults = {"HOST": "127.0.0.1", "RATE_LIMIT_PER_MINUTE": "10000000"}
    process, log = launch({**defaults, **environ, "PORT": str(port)}, folder, module, log)
    with httpx.Client(timeout=1) as client:
        while time.monotonic() < began + START_LIMIT_SECONDS and process.poll() is None:
            try:
                client.get(f"{url}/health").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.02)
            else:
                return Service(url, process, log, time.monotonic() - began)
    process.kill()
    raise AssertionError(f"the service did not start:\n{log.read_text(errors='replace')}")


@contextmanager
def running(
    environ: Mapping[str, str], folder: Path, module: str = SERVICE, log: Path | None = None
) -> Iterator[Service]:
    """A service for the length of a block; stopped cleanly unless it is gone by then."""
    service = start(environ, folder, module, log)
    try:
        yield service
    finally:
        if service.process.is_running() and service.process.poll() is None:
            service.stop()


def refusal(environ: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """The exit code and the output of a service that does not start."""
    process, log = launch({"PORT": str(free_port()), **environ}, folder)
    code = process.wait(timeout=START_LIMIT_SECONDS)
    return code, log.read_text()


def migrate(environ: Mapping[str, str], folder: Path) -> None:
    """`backend migrate` on the database that ``environ`` names."""
    with popen(
        "entrypoints.cli", ["migrate"], folder, environ,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as command:  # fmt: skip
        output, _ = command.communicate(timeout=START_LIMIT_SECONDS)
    assert command.returncode == 0, output
