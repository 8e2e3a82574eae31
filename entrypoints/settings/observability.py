"""Logs and traces."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional

_LOG_LEVELS: Final = ("debug", "info", "warning", "error")


def _log_level(raw: str) -> str:
    if raw.lower() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}, not '{parsers.shown(raw)}'.")
    return raw.lower()


def _otlp_endpoint(raw: str) -> str:
    try:
        url = urlsplit(raw)
    except ValueError:
        url = urlsplit("")
    if url.scheme not in ("http", "https") or not url.netloc:
        raise ValueError("must be a collector's address, for example http://127.0.0.1:4318.")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise ValueError("needs the extra 'otel': pip install 'backend-livekit[otel]'.")
    return raw


@attrs.frozen(kw_only=True, slots=False)
class ObservabilitySettings:
    """What is logged, and where traces are sent (None: nowhere)."""

    log_level: str = optional("LOG_LEVEL", _log_level, "info")
    otlp_endpoint: str | None = optional("OTEL_EXPORTER_OTLP_ENDPOINT", _otlp_endpoint, None)
    otlp_service_name: str = optional("OTEL_SERVICE_NAME", parsers.text, "backend-livekit")
