"""What is at the end of a path and may have slashes of its own, sent as ``%2F``."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from litestar.types import Scope

from entrypoints.http.middleware.request_log import note


def rest_of_path(scope: Scope, mark: str, routed: str) -> str:
    """Return the exact text that follows ``mark`` in the path.

    It is read from the path as it was sent. What was ``routed`` has lost slashes by then: the
    router joins those that follow each other, and drops the last one.
    """
    _, found, sent = scope.get("raw_path", b"").partition(mark.encode())
    # A slash at an end belongs to the path; the text's own is sent as %2F.
    text = unquote_to_bytes(sent.strip(b"/")).decode(errors="replace")
    return text if found else routed.removeprefix("/")


def room_in_path(scope: Scope, routed: str) -> str:
    """Return the room's exact name, and note it for the request's log line."""
    name = rest_of_path(scope, "/by-room/", routed)
    note(scope, roomName=name)
    return name
