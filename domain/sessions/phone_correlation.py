"""The call that a session was started for."""

from __future__ import annotations

import attrs

from domain.rooms.sip_leg import Direction
from domain.shared.identifiers import CallId


@attrs.frozen(kw_only=True)
class PhoneCorrelation:
    """The call that a session was started for, as the agent's metadata names it."""

    call_id: CallId
    direction: Direction
    caller_number: str | None = None
    called_number: str | None = None

    def metadata(self) -> dict[str, str]:
        """Return the contract's keys; an unknown number is left out."""
        keys = {
            "call_id": str(self.call_id),
            "caller_number": self.caller_number,
            "called_number": self.called_number,
            "direction": str(self.direction),
        }
        return {key: value for key, value in keys.items() if value is not None}
