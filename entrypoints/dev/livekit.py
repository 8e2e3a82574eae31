"""The LiveKit that ``make run`` starts: a real server if there is one here, else the simulator."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path
from typing import Final

import attrs

CACHE: Final = Path(__file__).resolve().parents[2] / ".cache"
LOG: Final = CACHE / "livekit.log"
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

    def command(self, webhooks: str) -> tuple[str, ...]:
        """Return what starts it, so that it posts its events to ``webhooks``."""
        if self.binary is None:
            simulator = (sys.executable, "-m", "entrypoints.cli", "simulator")
            keys = ("--api-key", DEV_KEY, "--api-secret", DEV_SECRET)
            return (*simulator, "--port", str(self.port), *keys, "--webhook-url", webhooks)
        config = CACHE / "livekit.yaml"
        config.write_text(
            f"port: {self.port}\n"
            'bind_addresses: ["127.0.0.1"]\n'
            f"rtc: {{tcp_port: {self.port + 1}, udp_port: {self.port + 2}, "
            "node_ip: 127.0.0.1, use_external_ip: false}\n"
            f"keys: {{{DEV_KEY}: {DEV_SECRET}}}\n"
            f'webhook: {{api_key: {DEV_KEY}, urls: ["{webhooks}"]}}\n'
        )
        return self.binary, "--config", str(config)


def choose_livekit() -> LiveKit:
    """Return a real server if one is installed, else the simulator, on ports that are free."""
    port = 7880
    while not all(_is_free(used) for used in range(port, port + 3)):  # and its two for media
        port += 10
    cached = CACHE / "bin" / "livekit-server"
    binary = shutil.which("livekit-server") or (str(cached) if cached.is_file() else None)
    if binary is None:
        return LiveKit(SIMULATOR, port)
    return LiveKit(f"a real server on this machine ({binary})", port, binary)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - asks, does not listen
        except OSError:
            return False
        return True
