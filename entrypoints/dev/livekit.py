"""The LiveKit that ``make run`` starts: a real server if there is one here, else the simulator."""

from __future__ import annotations

import shutil
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import attrs

CACHE: Final = Path(__file__).resolve().parents[2] / ".cache"
DEV_KEY: Final = "devkey"
DEV_SECRET: Final = "devsecret-for-local-development-only"  # noqa: S105 - it is public
SIMULATOR: Final = "the built-in simulator: no audio, no workers (`make livekit` builds a real one)"


@attrs.frozen
class LiveKit:
    """A local LiveKit: what it is, its port, and its binary; without one it is the simulator."""

    what: str
    port: int
    binary: str | None = None

    @property
    def url(self) -> str:
        """Where it is once it runs."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The file of what it prints."""
        return CACHE / f"livekit-{self.port}.log"

    def command(self, webhooks: str) -> tuple[str, ...]:
        """Return what starts it, so that it posts its events to ``webhooks``."""
        if self.binary is None:
            simulator = (sys.executable, "-m", "entrypoints.cli", "simulator")
            keys = ("--api-key", DEV_KEY, "--api-secret", DEV_SECRET)
            return (*simulator, "--port", str(self.port), *keys, "--webhook-url", webhooks)
        config = CACHE / f"livekit-{self.port}.yaml"
        config.write_text(
            f"port: {self.port}\n"
            'bind_addresses: ["127.0.0.1"]\n'
            f"rtc: {{tcp_port: {self.port + 1}, udp_port: {self.port + 2}, "
            "node_ip: 127.0.0.1, use_external_ip: false}\n"
            f"keys: {{{DEV_KEY}: {DEV_SECRET}}}\n"
            f'webhook: {{api_key: {DEV_KEY}, urls: ["{webhooks}"]}}\n'
        )
        return self.binary, "--config", str(config)


def choose_livekit(stack: ExitStack) -> LiveKit:
    """Return a real server if one is installed, else the simulator, on ports that are free.

    No other ``make run`` chooses them until ``stack`` is closed.
    """
    port = 7880
    while not (_claim(port + 3, stack) and all(map(_is_free, range(port, port + 3)))):
        port += 10  # two of the three are for media
    cached = CACHE / "bin" / "livekit-server"
    binary = shutil.which("livekit-server") or (str(cached) if cached.is_file() else None)
    if binary is None:
        return LiveKit(SIMULATOR, port)
    return LiveKit(f"a real server on this machine ({binary})", port, binary)


def _claim(port: int, stack: ExitStack) -> bool:
    """Keep a port on which nothing listens, unless another process does."""
    claim = stack.enter_context(socket.socket())
    try:
        claim.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - asks, does not listen
        except OSError:
            return False
        return True
