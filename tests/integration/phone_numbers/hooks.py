"""A server of pre-call webhooks that answers, hangs, lies, redirects and answers too much."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs


@attrs.frozen
class Asked:
    path: str
    headers: dict[str, str]
    body: bytes


@attrs.frozen
class Hooks:
    """``answers`` by path: a JSON value, or one of the behaviours of :class:`_Handler`."""

    url: str
    answers: dict[str, Any] = attrs.field(factory=dict)
    asked: list[Asked] = attrs.field(factory=list)
    over: threading.Event = attrs.field(factory=threading.Event)

    def of(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]


@contextmanager
def running_hooks() -> Iterator[Hooks]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hooks = _Handler.hooks = Hooks(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hooks
    finally:
        hooks.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hooks: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hooks.asked.append(Asked(self.path, headers, body))
        answer = self.hooks.answers.get(self.path, {})
        if answer == "hangs":
            self.hooks.over.wait(30)
        elif answer == "fails once" and len(self.hooks.of(self.path)) == 1:
            self._send(503, b"")
        elif answer == "breaks":
            self.connection.close()
        elif answer == "redirects":
            self._send(307, b"", Location=f"{self.hooks.url}/elsewhere")
        elif answer == "answers 1 MiB":
            self._send(200, json.dumps({"metadata": {"a": "x" * 2**20}}).encode())
        elif answer == "drips":
            self.send_response(200)
            self.end_headers()
            while not self.hooks.over.wait(0.05):
                self.wfile.write(b" ")
        elif answer == "answers otherwise each time":
            self._send(200, json.dumps({"metadata": {"answer": len(self.hooks.asked)}}).encode())
        elif isinstance(answer, bytes):
            self._send(200, answer)
        else:
            self._send(200, json.dumps({} if isinstance(answer, str) else answer).encode())

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            time.sleep(0)  # the service has read enough

    def log_message(self, *_: Any) -> None: ...
