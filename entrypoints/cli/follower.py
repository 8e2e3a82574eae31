"""Calls as they come and change."""

from __future__ import annotations

from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.calls.call import Call, CallStatus
from domain.calls.read_calls import ReadCalls
from domain.calls.repository import CallFilter
from domain.shared.identifiers import CallId
from domain.shared.pagination import MAX_LIMIT

MAX_ASIDE: Final = 50
_OVER: Final = (CallStatus.ENDED, CallStatus.FAILED)


@attrs.define
class Follower:
    """Tells what is new among the newest 200 calls, and among those it has told of that live.

    A look reads one page, and up to 50 of the live calls that newer ones have pushed off it.
    """

    read_calls: ReadCalls
    _told: dict[CallId, CallStatus] = attrs.field(factory=dict, init=False)

    async def look(self) -> list[Call]:
        """The calls that have come, or changed status, since the last look; the oldest first."""
        page = await self.read_calls.page(CallFilter(), SYSTEM, limit=MAX_LIMIT)
        seen = {call.id: call for call in page.items}
        aside = [
            call_id
            for call_id, status in self._told.items()
            if call_id not in seen and status not in _OVER
        ]
        for call_id in aside[:MAX_ASIDE]:
            seen[call_id] = await self.read_calls.by_id(call_id.value, SYSTEM)
        news = [call for call in seen.values() if self._told.get(call.id) is not call.status]
        # In the order of their next turn: those that had none come first.
        self._told = {call_id: self._told[call_id] for call_id in aside[MAX_ASIDE:]} | {
            call.id: call.status for call in seen.values()
        }
        return sorted(news, key=lambda call: call.age)
