"""Query parameters of lists → what the domain calls them."""

from __future__ import annotations

import enum
import re
from datetime import UTC, datetime
from typing import Final, TypeVar

from domain.shared.errors import InvalidInput
from domain.shared.identifiers import LONGEST, LONGEST_ID, Name, Uuid
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Span

Choice = TypeVar("Choice", bound=enum.StrEnum)
Id = TypeVar("Id", bound=Uuid)

_ANY_NUMBER: Final = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{LONGEST}}}")
_ANY_ID: Final = re.compile(rf"[^\0\ud800-\udfff]{{1,{LONGEST_ID}}}", re.DOTALL)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EXAMPLE: Final = "2026-11-23T06:27:37.123Z"
_A_TIME: Final = "a time with its offset (RFC 3339)"
_DAY_OR_TIME: Final = f"a day, such as 2026-11-23, or {_A_TIME}"


def choice(kind: type[Choice], raw: str | None, field: str) -> Choice | None:
    """One of an enumeration's values; None if absent. Raises :class:`InvalidInput`."""
    if not raw:
        return None
    try:
        return kind(raw)
    except ValueError:
        known = ", ".join(kind)
        raise InvalidInput(
            f"{field} must be one of {known}.", field=field, example=next(iter(kind)).value
        ) from None


def choices(kind: type[Choice], raw: str | None, field: str) -> list[Choice]:
    """Values of an enumeration, separated by commas. Raises :class:`InvalidInput`."""
    parts = (part.strip() for part in (raw or "").split(","))
    found = (choice(kind, part, field) for part in parts)
    return list(dict.fromkeys(each for each in found if each is not None))


def moment(raw: str | None, field: str) -> datetime | None:
    """A day's midnight in UTC, or a time (RFC 3339); None if absent.

    Raises :class:`InvalidInput`.
    """
    time = f"{raw}T00:00:00Z" if raw and _DAY.fullmatch(raw) else raw
    return _time(time, field, _DAY_OR_TIME)


def span(since: str | None, until: str | None, names: tuple[str, str] = ("since", "until")) -> Span:
    """From ``since`` up to ``until``, RFC 3339 times. Raises :class:`InvalidInput`.

    ``names`` are the parameters' names.
    """
    return Span(since=_time(since, names[0]), until=_time(until, names[1]))


def identifier(kind: type[Id], raw: str | None) -> Id | None:
    """A record's id; None if absent. Raises :class:`InvalidInput`."""
    return kind(raw) if raw else None


def name(kind: type[Name], raw: str | None) -> str | None:
    """What LiveKit may have as such a name, to the letter; None if absent.

    Raises :class:`InvalidInput` for what is no such name, or blank.
    """
    if not raw:
        return None
    kind.existing(raw)
    return str(kind(raw))


def livekit_id(raw: str | None, field: str) -> str | None:
    """An id that LiveKit gave; None if absent. Raises :class:`InvalidInput` for what is none."""
    if not raw:
        return None
    if not _ANY_ID.fullmatch(raw):
        raise InvalidInput(
            f"{field} must be 1 to {LONGEST_ID} characters.", field=field, example="RM_hycBMAjmt6Ub"
        )
    return raw


def number(raw: str | None, field: str = "number") -> str | None:
    """A telephone number, whose ``+`` a query may turn into a space; None if absent.

    Raises :class:`InvalidInput` for what no number of a call's looks like.
    """
    if not raw:
        return None
    if not _ANY_NUMBER.fullmatch(raw):
        raise InvalidInput(
            f"{field} must be a number as calls show it.", field=field, example="+15105550100"
        )
    return "+" + raw.strip() if raw.startswith(" ") else raw


def limit(raw: str | None) -> int:
    """How many items make a page. Raises :class:`InvalidInput`."""
    if not raw:
        return DEFAULT_LIMIT
    if not (raw.isascii() and raw.isdigit() and len(raw) < 4 and 1 <= int(raw) <= MAX_LIMIT):
        raise InvalidInput(
            f"limit must be a whole number from 1 to {MAX_LIMIT}.",
            field="limit",
            example=DEFAULT_LIMIT,
        )
    return int(raw)


def position(cursor: str | None, *, any_id: bool = False) -> Cursor | None:
    """Where the page begins; ``any_id``: see :meth:`Cursor.parse`. Raises :class:`InvalidInput`."""
    return Cursor.parse(cursor, any_id=any_id) if cursor else None


def _time(raw: str | None, field: str, wanted: str = _A_TIME) -> datetime | None:
    if not raw:
        return None
    try:
        time = datetime.fromisoformat(raw.upper().replace(" ", "+"))
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(f"{field} must be {wanted}.", field=field, example=_EXAMPLE)
