"""Layers over dictionaries: what a unit of work changes before it is committed."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def layer_over(table: MutableMapping[Key, Value]) -> ChainMap[Key, Value]:
    """Return a mapping that shows ``table`` and keeps what is put into it to itself."""
    return ChainMap({}, table)


def held_by(layer: MutableMapping[Key, Value]) -> MutableMapping[Key, Value]:
    """Return what a mapping of :func:`layer_over` keeps to itself."""
    assert isinstance(layer, ChainMap)  # noqa: S101 - only a layer is merged
    return layer.maps[0]
