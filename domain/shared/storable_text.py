"""Texts that every database stores."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return ``text`` with a replacement for NUL and for each half of a surrogate pair."""
    return text.replace("\0", "�").encode(errors="replace").decode()
