"""Log lines on standard error: coloured on a terminal, JSON elsewhere; masked in either case."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec
import structlog

from entrypoints.masking import MaskingFormatter, mask_values, may_need_masking

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def configure_logs(level: str = "info") -> None:
    """Set structlog and the standard library's logging up for this process."""
    render: list[Any] = [_masked_json]
    factory: Any = structlog.BytesLoggerFactory(sys.stderr.buffer)
    if sys.stderr.isatty():
        render = [mask_values, structlog.dev.ConsoleRenderer()]
        factory = structlog.WriteLoggerFactory(sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables: those hold tokens and secrets.
            structlog.processors.format_exc_info,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _masked_json(logger: object, method: str, event: MutableMapping[str, Any]) -> bytes:
    line = _encode(event)
    # Looked through once rather than value by value: nearly none has anything to mask.
    return _encode(mask_values(logger, method, event)) if may_need_masking(line) else line
