"""Receive webhooks of backend-livekit with Python's standard library.

WEBHOOK_SECRET=whsec_… python receiver.py
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
TOLERANCE_SECONDS = 5 * 60
MAX_BODY_BYTES = 8 * 1024 * 1024

handled: set[str] = set()  # in production: a unique column in your database


def is_genuine(headers: dict[str, str], body: bytes) -> bool:
    """Verify a request by Standard Webhooks (https://www.standardwebhooks.com)."""
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - float(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest())
    # There are two signatures while a secret replaces another.
    signatures = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, signature) for signature in signatures)


def handle(event: dict[str, Any]) -> None:
    """Do what your system does. Return quickly: put slow work into a queue."""
    print(event["type"], event["sessionId"], event["data"], flush=True)  # noqa: T201


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 once an event is handled; with anything else it is sent again."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Verify and handle an event."""
        length = int(self.headers.get("Content-Length", 0))
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not is_genuine(headers, body):
            return self.answer(401)
        event_id = headers["webhook-id"]
        if event_id not in handled:  # an event may come twice
            handle(json.loads(body))
            handled.add(event_id)
        return self.answer(204)

    def answer(self, status: int) -> None:
        """Answer with a status and no body."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    if not SECRET:  # or everybody could sign
        raise SystemExit("Set WEBHOOK_SECRET to the webhook's secret: whsec_…")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver)
    print(f"Listening on http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    server.serve_forever()
