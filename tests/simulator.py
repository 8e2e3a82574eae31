"""The LiveKit simulator as a process of its own, as `backend simulator` starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import httpx

from tests.livekit_server import API_KEY, API_SECRET, free_port
from tests.service import PROJECT


@attrs.frozen
class SimulatorProcess:
    """A running simulator; the methods use its control routes."""

    port: int

    @property
    def environ(self) -> dict[str, str]:
        """What makes a service use it."""
        return {
            "LIVEKIT_URL": f"ws://127.0.0.1:{self.port}",
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
        }

    def fault(self, method: str, kind: str, **fields: Any) -> None:
        self._send("POST", "/simulator/faults", {"method": method, "kind": kind, **fields})

    def no_faults(self) -> None:
        self._send("DELETE", "/simulator/faults")

    def outage(self, seconds: float) -> None:
        self._send("POST", "/simulator/outage", {"seconds": seconds})

    def register_worker(self, agent_name: str, join_after_ms: int = 0) -> None:
        path = f"/simulator/workers/{agent_name}"
        self._send("PUT", path, {"joinAfterMs": join_after_ms})

    def unregister_worker(self, agent_name: str) -> None:
        self._send("DELETE", f"/simulator/workers/{agent_name}")

    def leave(self, room: str, identity: str) -> None:
        self._send("DELETE", f"/simulator/rooms/{room}/participants/{identity}")

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._send("GET", "/simulator/state").json()
        return state

    def room(self, name: str) -> dict[str, Any] | None:
        return next((room for room in self.state()["rooms"] if room["name"] == name), None)

    def dispatches(self, room_name: str, agent_name: str = "shreya-obnox") -> list[dict[str, Any]]:
        room = self.room(room_name)
        dispatches = room["dispatches"] if room else []
        return [entry for entry in dispatches if entry.get("agentName") == agent_name]

    def agents(self, room_name: str) -> list[str]:
        """The identities of the agents in a room."""
        room = self.room(room_name)
        participants = room["participants"] if room else []
        return [who["identity"] for who in participants if who.get("kind") == "AGENT"]

    def _send(self, method: str, path: str, body: object = None) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.request(method, url, json=body, timeout=5).raise_for_status()


@contextmanager
def running_simulator() -> Iterator[SimulatorProcess]:
    """A simulator for the length of a block."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "entrypoints.cli", "simulator", "--port", str(port),
         "--api-key", API_KEY, "--api-secret", API_SECRET],
        cwd=PROJECT, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    simulator = SimulatorProcess(port)
    try:
        for _ in range(400):
            try:
                simulator.state()
            except httpx.HTTPError:
                assert process.poll() is None, "the simulator did not start"
                time.sleep(0.025)
            else:
                break
        yield simulator
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0
