"""Workers' session reports, and the telemetry that they send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import unquote

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional

_MEBIBYTE: Final = 1024 * 1024


def _headers(raw: str) -> Mapping[str, str]:
    """Take ``name=value,name=value`` with percent-encoded values, as OpenTelemetry does."""
    found = {}
    for entry in filter(None, (part.strip() for part in raw.split(","))):
        name, equals, value = entry.partition("=")
        name, value = name.strip(), unquote(value.strip())
        if not (equals and name.isascii() and name.isprintable() and " " not in name and name):
            raise ValueError("must be headers such as api-key=secret, separated by commas.")
        if not value.isprintable() or not value.isascii():
            raise ValueError("must have values of printable ASCII characters.")
        found[name] = value
    return found


@attrs.frozen(kw_only=True, slots=False)
class ReportSettings:
    """How large reports may be, and how long one is kept whose session never becomes known."""

    report_max_bytes: int = optional(
        "REPORT_MAX_BYTES", parsers.whole(_MEBIBYTE, 64 * 1024 * _MEBIBYTE), 1024 * _MEBIBYTE
    )
    unmatched_report_retention: timedelta = optional(
        "UNMATCHED_REPORT_RETENTION_DAYS", parsers.days(0.01, 3650), timedelta(days=7)
    )
    otlp_headers: Mapping[str, str] = optional(
        "OTEL_EXPORTER_OTLP_HEADERS", _headers, {}, secret=True
    )
