"""What a worker reports as usage is read as far as it can be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.usage.model_usage import COUNTERS, LONGEST_MODEL, ModelUsage
from domain.usage.read_summary import MOST, MOST_MODELS, MOST_OTHERS, usage_of

LLM = {
    "type": "llm_usage",
    "provider": "api.openai.com",
    "model": "gpt-4o-mini",
    "input_tokens": 1200,
    "input_cached_tokens": 1024,
    "output_tokens": 90,
    "output_reasoning_tokens": 10,
}
"""As livekit-agents 1.8.9 reports it, without what is zero."""


def of(*usage: Any) -> list[ModelUsage]:
    return usage_of({"usage": list(usage)})


def test_the_shapes_of_livekit_agents_are_read() -> None:
    stt = {
        "type": "stt_usage",
        "provider": "Deepgram",
        "model": "nova-3",
        "audio_duration": 12.3456,
    }
    tts = {"type": "tts_usage", "provider": "Cartesia", "model": "sonic-3", "characters_count": 80}
    eot = {"type": "eot_usage", "provider": "livekit", "model": "turn", "total_requests": 4}
    realtime = {
        **LLM,
        "model": "gpt-realtime",
        "input_audio_tokens": 100,
        "input_cached_audio_tokens": 60,
        "session_duration": 60,
    }

    found = of(LLM, stt, tts, eot, realtime)

    assert found == [
        ModelUsage(kind="eot", provider="livekit", model="turn", requests=4),
        ModelUsage(
            kind="llm",
            provider="api.openai.com",
            model="gpt-4o-mini",
            input_tokens=1200,
            cached_input_tokens=1024,
            output_tokens=90,
            reasoning_tokens=10,
        ),
        ModelUsage(
            kind="llm",
            provider="api.openai.com",
            model="gpt-realtime",
            input_tokens=1200,
            cached_input_tokens=1024,
            output_tokens=90,
            reasoning_tokens=10,
            input_audio_tokens=100,
            cached_audio_tokens=60,
            session_ms=60_000,
        ),
        ModelUsage(kind="stt", provider="Deepgram", model="nova-3", audio_ms=12_346),
        ModelUsage(kind="tts", provider="Cartesia", model="sonic-3", characters=80),
    ]


def test_a_worker_in_typescript_is_read_too() -> None:
    (found,) = of({"type": "stt_usage", "model": "nova-3", "audioDurationMs": 1500})
    assert (found.provider, found.audio_ms) == ("", 1500)


def test_entries_of_one_model_are_added_up() -> None:
    (found,) = of(LLM, {**LLM, "new_counter": 2}, {**LLM, "newCounter": 0.5})
    assert (found.input_tokens, found.others) == (3600, {"new_counter": 2.5})


def test_a_later_worker_s_kinds_and_counters_are_kept() -> None:
    (found,) = of(
        {"type": "avatar_usage", "frames": 25, "note": "text", "no counter": 1, "ok": True}
    )
    assert (found.kind, found.others) == ("avatar", {"frames": 25})
    (many,) = of({f"counter_{number}": 1 for number in range(100)})
    assert (many.kind, len(many.others)) == ("unknown", MOST_OTHERS)


@pytest.mark.parametrize(
    "value", [-1, float("nan"), float("inf"), MOST + 1, 10**400, "12", True, None, [1], {}]
)
def test_what_is_no_count_is_left_out(value: Any) -> None:
    (found,) = of({**LLM, "output_tokens": value, "output_reasoning_tokens": 0})
    assert found.output_tokens == 0
    (stt,) = of({"type": "stt_usage", "audio_duration": value})
    assert stt.is_nothing or stt.audio_ms == 10**15 // 10**3 or value == MOST + 1


def test_parts_that_are_more_than_their_whole_are_left_out() -> None:
    (found,) = of({**LLM, "input_cached_tokens": 1201, "output_audio_tokens": 91})
    assert (found.input_tokens, found.cached_input_tokens) == (1200, 0)
    assert (found.output_tokens, found.output_audio_tokens) == (90, 0)


def test_a_long_summary_is_cut_off() -> None:
    found = of(*({"model": f"{number:04}"} for number in range(MOST_MODELS + 5)))
    assert len(found) == MOST_MODELS
    (long,) = of({"model": "m" * 1000, "provider": " a\0b "})
    assert (len(long.model), long.provider) == (LONGEST_MODEL, "a\N{REPLACEMENT CHARACTER}b")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*LLM, *COUNTERS, "audio_duration", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["usage", "other"]), JSON, max_size=2))
def test_whatever_a_summary_holds_it_is_read(summary: dict[str, Any]) -> None:
    found = usage_of(summary)

    assert len({each.key for each in found}) == len(found)
    for each in found:
        assert all(0 <= count <= MOST * MOST_MODELS for count in each.counters.values())
        json.dumps(dict(each.others), allow_nan=False)
