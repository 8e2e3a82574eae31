"""The texts that are in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def parsed(text: str) -> Any:
    """The object or array that ``text`` is as JSON; None if it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def texts_in(data: object) -> Iterator[tuple[str, str]]:
    """Every text in JSON data with the key that it is under, also in JSON that is a text there."""
    # A list rather than recursion, so that no input can exhaust the stack.
    left = [("", data)]
    while left:
        key, value = left.pop()
        if isinstance(value, dict):
            left += value.items()
        elif isinstance(value, list):
            left += ((key, item) for item in value)
        elif isinstance(value, str):
            inner = parsed(value)
            if inner is None:
                yield key, value
            else:
                left.append((key, inner))
