"""Check whether LiveKit's webhooks arrive in the inbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from domain.diagnosis.finding import Check, Finding, State
from domain.inbox.entry import InboxEntry
from domain.inbox.repository import Inbox
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import RoomName

DOCTOR_EVENT: Final = "doctor_probe"
"""The kind of the events that the diagnosis itself sends."""

ARRIVES_WITHIN: Final = timedelta(seconds=5)
_PAUSE: Final = timedelta(milliseconds=250)
_RECENT: Final = timedelta(minutes=10)
_LOOKED_AT: Final = 50
_NONE_ARRIVED: Final = (
    f"No webhook of LiveKit's arrived within {ARRIVES_WITHIN.seconds} s of a new room"
)
_SET: Final = (
    "set webhook.urls (https://…/telephony/livekit-webhook) and webhook.api_key in LiveKit's "
    "configuration."
)


@attrs.frozen
class CheckWebhooks:
    """Reads the inbox, which the service fills."""

    inbox: Inbox
    clock: Clock

    async def of_room(self, room_name: RoomName) -> Finding:
        """Return whether LiveKit has reported a room that was just made."""
        deadline = self.clock.monotonic() + ARRIVES_WITHIN.total_seconds()
        try:
            while not await self.inbox.list(None, 1, str(room_name)):
                if self.clock.monotonic() >= deadline:
                    return _finding(State.FAILED, f"{_NONE_ARRIVED}; {_SET}")
                await self.clock.sleep(_PAUSE)
        except StorageUnavailable as error:
            return _finding(State.SKIPPED, str(error))
        return _finding(State.OK, "LiveKit's webhook of a new room has arrived.")

    async def newest(self) -> Finding:
        """Return when LiveKit's newest webhook came."""
        try:
            entries = await self.inbox.list(None, _LOOKED_AT)
        except StorageUnavailable as error:
            return _finding(State.SKIPPED, str(error))
        received = [entry.received_at for entry in entries if not _is_ours(entry)]
        if not received:
            return _finding(State.WARNING, f"No webhook of LiveKit's is in the inbox; {_SET}")
        minutes = (self.clock.now() - max(received)) // timedelta(minutes=1)
        sentence = f"LiveKit's newest webhook arrived {max(minutes, 0)} minutes ago"
        if minutes <= _RECENT // timedelta(minutes=1):
            return _finding(State.OK, f"{sentence}.")
        return _finding(State.WARNING, f"{sentence}; if there were calls since, {_SET}")


def _is_ours(entry: InboxEntry) -> bool:
    return entry.event.kind == DOCTOR_EVENT


def _finding(state: State, sentence: str) -> Finding:
    return Finding(Check.WEBHOOKS, state, sentence)
