"""What a worker says of the session that it reports on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import attrs

from domain.shared.identifiers import LONGEST
from domain.shared.storable_text import storable

MOST_ITEMS: Final = 100_000
"""Items of a chat history that a worker uploads."""
MOST_POSTED_ITEMS: Final = 10_000
"""Items that a worker posts at a time: they are stored in one transaction, others wait for it."""

_A_DAY: Final = timedelta(days=1)
_KEPT: Final = ("room", "room_id", "job_id", "timestamp", "duration_ms", "sdk_version")
_LARGEST_NUMBER: Final = 2**53


@attrs.frozen(kw_only=True)
class ReportHeader:
    """Which job in which room instance, and the worker's summary, which may be empty.

    ``started_at`` is when the audio began, by the worker's clock; None if nothing was recorded.
    """

    room_sid: str
    job_id: str
    summary: Mapping[str, Any] = attrs.field(factory=dict)
    started_at: datetime | None = None
    duration: timedelta | None = None

    @property
    def room_name(self) -> str:
        """Return the room's name as the worker gives it; empty if it does not."""
        return room_name_in(self.summary)

    @property
    def summary_text(self) -> str:
        """Return what is kept of the summary, as JSON: what is read later, and never what was said.

        The usage is kept by itself.
        """
        kept = {key: _plain(self.summary.get(key)) for key in _KEPT}
        known = {key: value for key, value in kept.items() if value is not None}
        return json.dumps(known, ensure_ascii=True, separators=(",", ":"))


class ReportReader(Protocol):
    """Reads what workers send. Each method raises ``InvalidReport``."""

    def header(self, body: bytes) -> ReportHeader:
        """Return what the part ``header`` says."""
        ...

    async def chat_history(self, body: bytes) -> list[Mapping[str, Any]]:
        """Return the items in the part ``chat_history``; those that are no objects are left out.

        More than :data:`MOST_ITEMS` are invalid.
        """
        ...

    async def posted(self, body: bytes) -> Mapping[str, Any]:
        """Return the JSON object that a worker posts by itself.

        Also raises ``ReportTooLarge`` if it has very many values.
        """
        ...


def room_name_in(summary: Mapping[str, Any]) -> str:
    """Return the room's name in a worker's summary; empty if there is none."""
    name = _plain(summary.get("room"))
    return name if isinstance(name, str) else ""


def _plain(value: object) -> str | int | float | None:
    """Return a short text or a number that every database stores; None for anything else."""
    if isinstance(value, str):
        return storable(value[:LONGEST])
    if isinstance(value, int | float) and abs(value) <= _LARGEST_NUMBER:
        return value
    return None


def job_times(summary: Mapping[str, Any], received_at: datetime) -> tuple[datetime, datetime]:
    """Return when the job began and when its report was made, as far as its worker can be believed.

    A worker's clock that differs by more than a day counts as none.
    """
    made_at = _time(summary.get("timestamp"))
    if made_at is None or not received_at - _A_DAY <= made_at <= received_at:
        made_at = received_at
    milliseconds = summary.get("duration_ms")
    if isinstance(milliseconds, int) and 0 <= milliseconds <= _A_DAY // timedelta(milliseconds=1):
        return made_at - timedelta(milliseconds=milliseconds), made_at
    return made_at, made_at


def _time(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
