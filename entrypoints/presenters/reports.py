"""The data of the events that tell what a report brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.recordings.recording import Recording
from domain.shared.reported import Reported
from domain.usage.read_usage import UsageAndCost
from entrypoints.presenters.recordings import recording_response
from entrypoints.presenters.usage import usage_response


class EventData:
    """Implements :class:`domain.reports.announce.ReadyPresenter`."""

    def transcript(self, reported: Reported, items: int) -> Mapping[str, Any]:
        """Return whose transcript it is, how many items it has, and where they are."""
        return {
            "sessionId": str(reported.session_id),
            "callId": None if reported.call_id is None else str(reported.call_id),
            "itemCount": items,
            "path": f"/sessions/{reported.session_id}/transcript",
        }

    def usage(self, usage: UsageAndCost) -> Mapping[str, Any]:
        """Return a session's usage as ``GET /sessions/{sessionId}/usage`` shows it."""
        found: Mapping[str, Any] = msgspec.to_builtins(usage_response(usage))
        return found

    def recording(self, recording: Recording) -> Mapping[str, Any]:
        """Return a recording as lists show it."""
        found: Mapping[str, Any] = msgspec.to_builtins(recording_response(recording))
        return found
