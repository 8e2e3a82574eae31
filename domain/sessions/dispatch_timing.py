"""When the agent of a session is dispatched."""

from __future__ import annotations

import enum

from domain.shared.errors import InvalidInput


class DispatchTiming(enum.StrEnum):
    """``now``: while the session is started. ``on_join``: once a user has joined the room."""

    NOW = "now"
    ON_JOIN = "on_join"

    @classmethod
    def parse(cls, raw: str | None) -> DispatchTiming:
        """Return the timing that a caller asks for. Raises :class:`InvalidInput`."""
        try:
            return cls.NOW if raw is None else cls(raw)
        except ValueError:
            raise InvalidInput(
                f"dispatch must be {cls.NOW} or {cls.ON_JOIN}.",
                field="dispatch",
                example=cls.ON_JOIN.value,
            ) from None
