"""Log lines on standard error: text on a terminal, JSON elsewhere; masked in either case."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from entrypoints.logging.lines import Event, LogLines
from entrypoints.logging.masking import mask_values, may_need_masking
from entrypoints.logging.terminal import terminal_renderer

_encoder: Final = msgspec.json.Encoder(enc_hook=str)


def configure_logs(level: str = "info") -> LogLines:
    """Set structlog and the standard library's logging up for this process.

    Close what is returned when the event loop has come to its end.
    """
    render = terminal_renderer() if sys.stderr.isatty() else _json
    lines = LogLines(
        sys.stderr.buffer, lambda event, at: render({**event, "timestamp": _rfc3339(at)})
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            # Without local variables: those hold tokens and secrets.
            structlog.processors.format_exc_info,
            lambda _logger, _method, event: ((event,), {}),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lines,
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False  # it would print what it was to log, unmasked
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()])
    return lines


class _Forward(logging.Handler):
    """Makes what libraries log lines like our own."""

    def __init__(self) -> None:
        super().__init__()
        self._log = structlog.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        try:
            self._log.log(level, record.getMessage(), logger=record.name, exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 - a library that logs must not fail of it
            self.handleError(record)


def _json(event: Event) -> bytes:
    line = _encode(event)
    # Looked through once rather than value by value: nearly none has anything to mask.
    return _encode(mask_values(event)) if may_need_masking(line) else line


def _rfc3339(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).isoformat()[:-6]}Z"


def _encode(event: Event) -> bytes:
    try:
        return _encoder.encode(event)
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(event, default=str).encode()
