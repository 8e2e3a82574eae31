"""How long a turn of a conversation took."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class TurnLatency:
    """The latencies of one message of a conversation, in milliseconds; None: not reported.

    ``item_id`` is the message's id in the worker's chat history. ``transcription_ms`` (STT) and
    ``end_of_turn_ms`` are of a user's message; ``first_token_ms`` (LLM), ``first_byte_ms`` (TTS)
    and ``end_to_end_ms``, from the user's last word to the agent's first, of an agent's.
    """

    item_id: str
    transcription_ms: int | None = None
    end_of_turn_ms: int | None = None
    first_token_ms: int | None = None
    first_byte_ms: int | None = None
    end_to_end_ms: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether no latency was reported."""
        return all(value is None for value in attrs.astuple(self)[1:])
