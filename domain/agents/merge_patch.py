"""JSON Merge Patch (RFC 7386)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_patch(target: object, patch: object) -> Any:
    """Return ``target`` changed by ``patch``; neither of the two is changed.

    Objects are merged key by key, null removes a key, and any other value replaces what was there
    (RFC 7386, section 2). Recursive: limit the depth of ``patch`` first.
    """
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge_patch(merged.get(key), value)
        else:
            merged[key] = value
    return merged
