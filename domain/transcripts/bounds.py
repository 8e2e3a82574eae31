"""How much of a reported value is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from domain.shared.storable_text import storable

LONGEST_TEXT: Final = 32_768
"""Characters of a text, a tool's arguments or its result."""
LONGEST_NAME: Final = 200
"""Characters of an id, a type, a role or a tool's name."""
LARGEST_EXTRA: Final = 4_096
"""Characters of metrics, or of further fields, as JSON."""

_DEEPEST: Final = 8
_MOST_MEMBERS: Final = 100
_LARGEST_NUMBER: Final = 2**53


def bounded_text(text: str, longest: int = LONGEST_TEXT) -> tuple[str, bool]:
    """Return what every database stores of ``text``, and whether that is not all of it."""
    return storable(text[:longest]), len(text) > longest


def bounded_json(values: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return what is kept of a JSON object, and whether that is not all of it.

    Members are taken in order until ``LARGEST_EXTRA`` is reached.
    """
    found: dict[str, Any] = {}
    room, is_whole = LARGEST_EXTRA, len(values) <= _MOST_MEMBERS
    for key, value in list(values.items())[:_MOST_MEMBERS]:
        name, member = _plain(str(key), 0), _plain(value, 0)
        size = len(json.dumps({name: member}))
        if size > room:
            is_whole = False
            continue
        room -= size
        found[name] = member
    return found, not is_whole


def _plain(value: object, depth: int) -> Any:
    """Return JSON that every database stores, and that any reader takes."""
    if isinstance(value, str):
        return bounded_text(value, LARGEST_EXTRA)[0]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= _LARGEST_NUMBER else None  # not so for NaN
    if depth < _DEEPEST and isinstance(value, Mapping):
        members = list(value.items())[:_MOST_MEMBERS]
        return {_plain(str(key), 0): _plain(member, depth + 1) for key, member in members}
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [_plain(member, depth + 1) for member in value[:_MOST_MEMBERS]]
    return None
