"""The live calls of rooms, summed up."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from domain.shared.identifiers import CallId


@attrs.frozen(kw_only=True)
class CallOutline:
    """The part of a live call by which the reconciler chooses: small, as there may be many."""

    id: CallId
    room_name: str
    room_sid: str
    is_answered: bool
    has_session: bool


def fingerprint(calls: Iterable[CallId]) -> int:
    """Return a number that differs for other calls, in whatever order; 0 for none."""
    found = 0
    for call in calls:
        found ^= hash(call)
    return found


@attrs.define
class RoomCalls:
    """The live calls in one room instance. ``doubted``: one was missing at the last look."""

    fingerprint: int = 0
    all_answered: bool = True
    all_served: bool = True
    doubted: bool = False

    def add(self, call: CallOutline, *, doubted: bool = False) -> None:
        """Count ``call`` in."""
        self.fingerprint ^= hash(call.id)
        self.all_answered &= call.is_answered
        self.all_served &= call.has_session
        self.doubted |= doubted


NO_CALLS = RoomCalls()
