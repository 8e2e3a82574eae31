"""Log lines for a person at a terminal: one short line per request, coloured text for the rest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, Final

import structlog
from structlog.typing import EventDict

from entrypoints.logging.masking import mask_values

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SUBJECTS: Final = ("roomName", "callId")
"""What a request was about; shown unless it is in the path."""


def render_text() -> Callable[[Any, str, EventDict], bytes]:
    """Return a processor of structlog's that makes a line, without its end, of an event.

    It masks secrets and numbers.
    """
    colours = os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    render_other = structlog.dev.ConsoleRenderer(colors=colours)

    def render(logger: Any, method: str, event: EventDict) -> bytes:
        masked = mask_values(dict(event))
        is_request = masked["event"] == "request"
        line = _request(masked) if is_request else render_other(logger, method, masked)
        return line.encode(errors="backslashreplace")

    return render


def _request(event: EventDict) -> str:
    """Return ``POST /session 200 17 ms room-…``; a failed request's id comes last."""
    path = _PARAMETER.sub(lambda name: str(event.get(name[1], name[0])), event["route"])
    in_path = _PARAMETER.findall(event["route"])
    milliseconds = event["duration_ms"]
    duration = f"{milliseconds:.0f} ms" if milliseconds >= 1 else "<1 ms"
    words = [event["method"], path, str(event["status"]), duration]
    words += [str(event[name]) for name in _SUBJECTS if name in event and name not in in_path]
    if event["status"] >= 400:
        words.append(f"request {event['request_id']}")
    return _printable(" ".join(words))


def _printable(text: str) -> str:
    """Replace what would steer the terminal: callers choose names."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
