"""Receivers of webhooks that answer, fail, hang, close, redirect and lie, each at its own path."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs


@attrs.frozen
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@attrs.frozen
class Receivers:
    """``behaviours`` by path: a status, or one of the words in :class:`_Handler`; 204 if none."""

    url: str
    behaviours: dict[str, int | str] = attrs.field(factory=dict)
    received: dict[str, list[Received]] = attrs.field(factory=dict)
    over: threading.Event = attrs.field(factory=threading.Event)
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def of(self, path: str) -> list[Received]:
        with self.lock:
            return [*self.received.get(path, ())]

    def events(self, path: str) -> list[dict[str, Any]]:
        return [one.event for one in self.of(path)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None: ...


@contextmanager
def running_receivers() -> Iterator[Receivers]:
    server = _Server(("127.0.0.1", 0), _Handler)
    receivers = Receivers(f"http://127.0.0.1:{server.server_port}")
    server.receivers = receivers  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receivers
    finally:
        receivers.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        receivers: Receivers = self.server.receivers  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with receivers.lock:
            seen = receivers.received.setdefault(self.path, [])
            seen.append(Received(self.path, headers, body))
            times = sum(one.headers["webhook-id"] == headers["webhook-id"] for one in seen[-500:])
        behaviour = receivers.behaviours.get(self.path, 204)
        if behaviour == "fails a third at first":
            is_chosen = headers["webhook-id"][-1] in "05af9" and times == 1
            behaviour = 503 if is_chosen else 204
        if behaviour == "hangs":
            receivers.over.wait(60)
        elif behaviour == "closes":
            self.close_connection = True
            self.connection.close()
        elif behaviour == "redirects":
            self._send(307, Location=f"{receivers.url}/elsewhere")
        elif behaviour == "answers without end":
            self.send_response(200)
            self.send_header("Content-Length", str(2**40))
            self.end_headers()
            while not receivers.over.wait(0.01):
                self.wfile.write(b"x" * 4096)
        elif isinstance(behaviour, int):
            self._send(behaviour)

    def _send(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...
