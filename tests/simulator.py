"""The LiveKit simulator as a process of its own, as `backend simulator` starts it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import httpx

from tests.livekit_server import API_KEY, API_SECRET, free_port
from tests.service import START_LIMIT_SECONDS, STOP_LIMIT_SECONDS
from tests.warm_processes import PROJECT, popen


@attrs.frozen
class SimulatorProcess:
    """A running simulator; the methods use its control routes."""

    port: int
    client: httpx.Client = attrs.field(repr=False)

    @property
    def environ(self) -> dict[str, str]:
        """What makes a service use it."""
        return {
            "LIVEKIT_URL": f"ws://127.0.0.1:{self.port}",
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
        }

    def chaos(self, **fields: Any) -> None:
        """From now on events and requests go wrong by chance; without ``fields`` none does."""
        self._send("PUT", "/simulator/chaos", fields)

    def fault(self, method: str, kind: str, **fields: Any) -> None:
        self._send("POST", "/simulator/faults", {"method": method, "kind": kind, **fields})

    def egress(self, *, worker: bool) -> None:
        """Whether an egress service answers from now on."""
        self._send("PUT", "/simulator/egress", {"worker": worker})

    def no_faults(self) -> None:
        self._send("DELETE", "/simulator/faults")

    def outage(self, seconds: float) -> None:
        self._send("POST", "/simulator/outage", {"seconds": seconds})

    def restart(self, seconds: float) -> None:
        """Refuse connections for so long, and forget every room without a webhook."""
        self._send("POST", "/simulator/restart", {"seconds": seconds})

    def register_worker(self, agent_name: str, join_after_ms: int = 0) -> None:
        path = f"/simulator/workers/{agent_name}"
        self._send("PUT", path, {"joinAfterMs": join_after_ms})

    def unregister_worker(self, agent_name: str) -> None:
        self._send("DELETE", f"/simulator/workers/{agent_name}")

    def make_rooms(self, rooms: Sequence[Mapping[str, Any]]) -> None:
        """Each with a ``name`` and, perhaps, ``participants``."""
        self._send("POST", "/simulator/rooms", {"rooms": rooms})

    def close_room(self, room: str, reason: str = "ROOM_CLOSED") -> None:
        self._send("DELETE", f"/simulator/rooms/{room}", reason=reason)

    def close_rooms(self) -> None:
        for room in self.state()["rooms"]:
            self.close_room(room["name"])

    def join(
        self,
        room: str,
        identity: str,
        kind: str = "SIP",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        body = {"identity": identity, "kind": kind, "attributes": attributes}
        self._send("POST", f"/simulator/rooms/{room}/participants", body)

    def set_attributes(self, room: str, identity: str, attributes: Mapping[str, str]) -> None:
        path = f"/simulator/rooms/{room}/participants/{identity}"
        self._send("PATCH", path, {"attributes": attributes})

    def leave(self, room: str, identity: str) -> None:
        self._send("DELETE", f"/simulator/rooms/{room}/participants/{identity}")

    def webhooks(self) -> dict[str, Any]:
        """What became of each ``events`` entry, and how many copies are ``pending``."""
        return self._get("/simulator/webhooks")

    def agents_record(self) -> dict[str, Any]:
        """By room sid: the ``most`` agents at once, when ``together``, and the ``dispatches``."""
        return self._get("/simulator/agents")

    def state(self) -> dict[str, Any]:
        return self._get("/simulator/state")

    def room(self, name: str) -> dict[str, Any] | None:
        rooms = self._get("/simulator/state", room=name)["rooms"]
        return rooms[0] if rooms else None

    def dispatches(self, room_name: str, agent_name: str = "shreya-obnox") -> list[dict[str, Any]]:
        room = self.room(room_name)
        dispatches = room["dispatches"] if room else []
        return [entry for entry in dispatches if entry.get("agentName") == agent_name]

    def agents(self, room_name: str) -> list[str]:
        """The identities of the agents in a room."""
        room = self.room(room_name)
        participants = room["participants"] if room else []
        return [who["identity"] for who in participants if who.get("kind") == "AGENT"]

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._send("GET", path, **query).json()
        return answer

    def _send(self, method: str, path: str, body: object = None, **query: str) -> httpx.Response:
        return self.client.request(method, path, json=body, params=query).raise_for_status()


@contextmanager
def running_simulator(
    webhook_urls: Sequence[str] = (), port: int | None = None
) -> Iterator[SimulatorProcess]:
    """A simulator for the length of a block. ``port`` lets it be started again where it was."""
    port = port or free_port()
    webhooks = [argument for url in webhook_urls for argument in ("--webhook-url", url)]
    process = popen(
        "entrypoints.cli",
        ["simulator", "--port", str(port), "--api-key", API_KEY, "--api-secret", API_SECRET,
         *webhooks],
        PROJECT, {}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
    simulator = SimulatorProcess(port, client)
    try:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while True:
            try:
                simulator.state()
            except httpx.HTTPError:
                assert process.poll() is None, "the simulator did not start"
                assert time.monotonic() < deadline, "the simulator does not answer"
                time.sleep(0.025)
            else:
                break
        yield simulator
    finally:
        client.close()
        process.terminate()
        assert process.wait(timeout=STOP_LIMIT_SECONDS) == 0
