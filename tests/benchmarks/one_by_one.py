"""Requests over one connection, each sent when the one before is answered (RFC 9112).

wrk runs for a second at least; of a hundred and fifty looks at a growing ledger each takes less.
"""

from __future__ import annotations

import json
import socket
import statistics
import time
from collections.abc import Iterable
from urllib.parse import urlsplit


def request(
    method: str, target: str, body: object = None, headers: dict[str, str] | None = None
) -> bytes:
    """A request as it is sent; ``body`` is bytes, or what becomes JSON."""
    text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        **(headers or {}),
        "Content-Length": str(len(text)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + text


def median_ms(url: str, requests: Iterable[bytes]) -> float:
    """The median time from sending a request to the last byte of its answer.

    Raises :class:`AssertionError` if an answer was no success.
    """
    address = urlsplit(url)
    times = []
    with socket.create_connection((address.hostname or "", address.port or 80)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for one in requests:
            began = time.perf_counter()
            connection.sendall(one)
            _read_answer(connection)
            times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def _read_answer(connection: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _more(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1].startswith(b"2"), answer
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    left = int(fields.get(b"content-length", 0)) - len(body)
    while left > 0:
        left -= len(_more(connection))


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(1 << 16)
    assert received, "the connection was closed"
    return received
