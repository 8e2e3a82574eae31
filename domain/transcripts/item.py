"""One item of a transcript: a message, a tool call, its result, or another event of the agent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

MESSAGE: Final = "message"
FUNCTION_CALL: Final = "function_call"
FUNCTION_CALL_OUTPUT: Final = "function_call_output"
AGENT_HANDOFF: Final = "agent_handoff"
AGENT_CONFIG_UPDATE: Final = "agent_config_update"


@attrs.frozen(kw_only=True)
class TranscriptItem:
    """An item of livekit-agents' chat history (``livekit.agents.llm.ChatItem``).

    ``id`` is unique within a session; the same id again is the same item. ``type`` is LiveKit's, also
    one that this version does not know. ``position`` is the place in the report that the item came
    in. ``created_at`` is by the worker's clock, None where no item of the history has a time.
    ``text`` is what was said; content that is no text is noted in brackets. ``name``,
    ``arguments``, ``output``, ``call_id`` and ``is_error`` are those of tools. ``metrics`` has the
    latencies in seconds by livekit-agents' names. ``extra`` has further fields. ``truncated``: a
    part was longer than is kept.
    """  # noqa: E501 - one sentence

    id: str
    type: str
    position: int
    role: str | None = None
    text: str | None = None
    created_at: datetime | None = None
    interrupted: bool = False
    metrics: Mapping[str, Any] = attrs.field(factory=dict)
    name: str | None = None
    arguments: str | None = None
    output: str | None = None
    call_id: str | None = None
    is_error: bool | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    truncated: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """What a search looks through: what was said, and what tools were given and returned."""
        return tuple(text for text in (self.text, self.arguments, self.output) if text)
