"""What a session has used of one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

LONGEST_MODEL: Final = 200
"""Characters of a kind, a provider's or a model's name; what follows is cut off."""


@attrs.frozen(kw_only=True)
class ModelUsage:
    """The sum of what one report, or several, say of one model.

    ``kind`` is ``llm`` (LiveKit reports realtime models so, too), ``stt``, ``tts``,
    ``interruption``, ``eot`` (end of turn), or what a later worker calls it.

    ``input_tokens`` include those that are cached, written to a cache, or of audio, text and
    images; ``output_tokens`` include those of audio, text and reasoning. ``audio_ms`` was heard or
    spoken, ``session_ms`` is how long a realtime model was connected. ``others`` are counters that
    this version does not know.
    """

    kind: str
    provider: str
    model: str
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    input_audio_tokens: int = 0
    cached_audio_tokens: int = 0
    input_text_tokens: int = 0
    cached_text_tokens: int = 0
    input_image_tokens: int = 0
    cached_image_tokens: int = 0
    output_tokens: int = 0
    output_audio_tokens: int = 0
    output_text_tokens: int = 0
    reasoning_tokens: int = 0
    characters: int = 0
    requests: int = 0
    audio_ms: int = 0
    session_ms: int = 0
    others: Mapping[str, int | float] = attrs.field(factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the usage of other models in the same session."""
        return self.kind, self.provider, self.model

    @property
    def counters(self) -> dict[str, int]:
        """Return the counters by name."""
        return {name: getattr(self, name) for name in COUNTERS}

    @property
    def is_nothing(self) -> bool:
        """Whether every counter is zero."""
        return not any(self.counters.values())

    def plus(self, other: ModelUsage) -> ModelUsage:
        """Return the sum with ``other``, which is of the same model."""
        mine, others = self.counters, dict(self.others)
        for name, value in other.others.items():
            others[name] = others.get(name, 0) + value
        sums: dict[str, Any] = {name: mine[name] + value for name, value in other.counters.items()}
        return attrs.evolve(self, **sums, others=others)


COUNTERS: Final = tuple(
    field.name for field in attrs.fields(ModelUsage) if field.type in ("int", int)
)
"""The names of the counters: whole numbers, not negative."""


def added_up(usage: Iterable[ModelUsage]) -> list[ModelUsage]:
    """Return the sum for each model, sorted by kind, provider and model."""
    sums: dict[tuple[str, str, str], ModelUsage] = {}
    for each in usage:
        known = sums.get(each.key)
        sums[each.key] = each if known is None else known.plus(each)
    return [sums[key] for key in sorted(sums)]
