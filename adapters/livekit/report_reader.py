"""Session reports of livekit-agents (read in livekit-agents 1.8.9, ``telemetry/traces.py``)."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError
from livekit.protocol.metrics import MetricsRecordingHeader

from domain.reports.header import MOST_ITEMS, ReportHeader
from domain.shared.identifiers import LONGEST_ID
from domain.shared.report_errors import InvalidReport, ReportTooLarge
from domain.shared.storable_text import storable

_LONGEST_MILLISECONDS: Final = timedelta(days=30) // timedelta(milliseconds=1)
_SMALL: Final = 64 * 1024
"""Bytes of a chat history that are decoded at once: it takes less than a hand-over."""
_MOST_VALUES: Final = 3_000_000
"""Of a chat history; each takes some 100 bytes of memory. Of 100,000 items each may have 30."""
_MOST_POSTED_VALUES: Final = 500_000
"""Of a posted report: a body of the largest size has fewer, unless it has hardly any text."""


class _ChatHistory(msgspec.Struct):
    items: list[msgspec.Raw]


_CHAT_HISTORY: Final = msgspec.json.Decoder(_ChatHistory)
_VALUE: Final = msgspec.json.Decoder()


class LiveKitReportReader:
    """Implements :class:`domain.reports.header.ReportReader`."""

    def header(self, body: bytes) -> ReportHeader:
        """Return what the part ``header``, a ``MetricsRecordingHeader``, says."""
        message = MetricsRecordingHeader()
        try:
            message.ParseFromString(body)
        except DecodeError:
            raise InvalidReport(
                "The part 'header' is not a livekit.MetricsRecordingHeader in protobuf."
            ) from None
        for field in ("room_id", "job_id"):
            if not 0 < len(getattr(message, field)) <= LONGEST_ID:
                raise InvalidReport(
                    f"The header's {field} must be 1 to {LONGEST_ID} characters.", field=field
                )
        known = 0 < message.duration < _LONGEST_MILLISECONDS
        return ReportHeader(
            room_sid=storable(message.room_id),
            job_id=storable(message.job_id),
            summary=_summary(message.session_summary),
            started_at=_started_at(message),
            duration=timedelta(milliseconds=message.duration) if known else None,
        )

    async def chat_history(self, body: bytes) -> list[Mapping[str, Any]]:
        """Return the items in the part ``chat_history``."""
        if len(body) <= _SMALL:
            return _items(body)
        return await asyncio.to_thread(_items, body)

    async def posted(self, body: bytes) -> Mapping[str, Any]:
        """Return the JSON object that a worker posts by itself."""
        try:
            found = await asyncio.to_thread(_posted, body)
        except ValueError:
            raise InvalidReport("The body is no JSON in UTF-8.") from None
        if not isinstance(found, dict):
            raise InvalidReport("The body must be a JSON object, with 'items' or 'chat_history'.")
        return found


def _started_at(message: MetricsRecordingHeader) -> datetime | None:
    seconds = message.start_time.seconds + message.start_time.nanos / 1e9
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _summary(text: str) -> Mapping[str, Any]:
    """Return the worker's summary; empty if it is no JSON object."""
    try:
        found = _decoded(text.encode(errors="replace"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _posted(body: bytes) -> Any:
    if _values_in(body) > _MOST_POSTED_VALUES:
        raise ReportTooLarge(
            f"The report has more than {_MOST_POSTED_VALUES} values. Send fewer items at a time, "
            "or let the worker upload it.",
            limitValues=_MOST_POSTED_VALUES,
        )
    return _decoded(body)


def _values_in(body: bytes) -> int:
    """Return how many values JSON can have at most, before anything of it is read."""
    return sum(map(body.count, (b",", b"[", b"{")))


def _items(body: bytes) -> list[Mapping[str, Any]]:
    """Decode one item after the other: at once, 64 MiB would hold the event loop for a second."""
    if _values_in(body) > _MOST_VALUES:
        raise InvalidReport(f"The part 'chat_history' has more than {_MOST_VALUES} values.")
    try:
        raw = _CHAT_HISTORY.decode(body).items
        _check_number(raw)
        found: Any = [_decoded(item) for item in raw]
    except (ValueError, RecursionError):
        try:
            whole = _decoded(body)
            found = whole.get("items") if isinstance(whole, dict) else None
        except ValueError:
            found = None
    if not isinstance(found, list):
        raise InvalidReport("The part 'chat_history' is no JSON object with 'items'.")
    _check_number(found)
    return [value for value in found if isinstance(value, dict)]


def _check_number(items: Sequence[object]) -> None:
    if len(items) > MOST_ITEMS:
        raise InvalidReport(f"The part 'chat_history' has more than {MOST_ITEMS} items.")


def _decoded(text: bytes | msgspec.Raw) -> Any:
    """Return the JSON value. Raises ValueError.

    Workers write it with Python's ``json``, which also writes NaN and half a surrogate pair.
    """
    try:
        return _VALUE.decode(text)
    except (ValueError, RecursionError):
        try:
            return json.loads(
                bytes(text).decode(), parse_constant=lambda _: None, parse_float=_finite
            )
        except RecursionError:
            raise ValueError("The value is nested too deeply.") from None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None
