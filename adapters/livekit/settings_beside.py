"""Settings of LiveKit's trunks and rules beside those that the service shows."""

from __future__ import annotations

from collections.abc import Collection

from google.protobuf.message import Message


def has_more(info: Message, shown: Collection[str]) -> bool:
    """Return whether a field of ``info`` is set that is not ``shown``; an empty message is not."""
    return any(
        field.name not in shown and not (isinstance(value, Message) and not value.ByteSize())
        for field, value in info.ListFields()
    )
