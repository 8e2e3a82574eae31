"""The room's name at the end of a ``by-room`` path."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from litestar.types import Scope

from entrypoints.http.middleware.request_log import note

_MARK: Final = b"/by-room/"


def room_in_path(scope: Scope, routed: str) -> str:
    """Return the room's exact name, and note it for the request's log line.

    The name is read from the path as it was sent. What was ``routed`` has lost slashes by then:
    the router joins those that follow each other, and drops the last one.
    """
    _, mark, sent = scope.get("raw_path", b"").partition(_MARK)
    # A slash at an end belongs to the path; the name's own is sent as %2F.
    name = unquote_to_bytes(sent.strip(b"/")).decode(errors="replace")
    name = name if mark else routed.removeprefix("/")
    note(scope, roomName=name)
    return name
