"""What a worker's chat history is read as, whatever is in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.storable_text import storable
from domain.transcripts.bounds import LARGEST_EXTRA, LONGEST_NAME, LONGEST_TEXT
from domain.transcripts.read_chat_history import items_of

KEYS = ["id", "type", "role", "content", "created_at", "interrupted", "metrics", "name",
        "arguments", "output", "call_id", "is_error", "extra"]  # fmt: skip
HUGE = st.integers(2**1024, 2**1030)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | HUGE | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
HISTORIES = st.lists(st.dictionaries(st.sampled_from(KEYS), ANYTHING) | ANYTHING, max_size=8)


@given(HISTORIES | ANYTHING)
def test_any_json_is_read_and_can_be_stored(history: Any) -> None:
    items = items_of(history)

    assert len({item.id for item in items}) == len(items)
    assert items == items_of(history)
    for item in items:
        assert item.id
        assert item.type
        texts = [item.id, item.type, item.role, item.name, item.call_id, *item.texts]
        assert all(text == storable(text) for text in texts if text is not None)
        kept = json.dumps([dict(item.metrics), dict(item.extra)], allow_nan=False)
        assert storable(kept) == kept
        assert item.created_at is None or item.created_at.tzinfo is UTC


def test_a_history_of_livekit_agents_is_read_whole() -> None:
    from livekit.agents import llm  # noqa: PLC0415 - takes a second

    chat = llm.ChatContext()
    image = llm.ImageContent(image="https://example.com/a.png")
    chat.add_message(role="system", content="Be kind.", created_at=1_790_000_000.0)
    user = chat.add_message(
        role="user",
        content=["Look,", image, "here."],
        created_at=1_790_000_001.5,
        metrics={"transcription_delay": 0.2, "end_of_turn_delay": 0.5},
    )
    chat.insert([
        llm.FunctionCall(
            call_id="call_1", name="look_up", arguments='{"order":7}', created_at=1_790_000_002.0
        ),
        llm.FunctionCallOutput(
            call_id="call_1", name="look_up", output="none", is_error=True,
            created_at=1_790_000_003.0,
        ),
        llm.AgentHandoff(old_agent_id="a", new_agent_id="b", created_at=1_790_000_004.0),
    ])  # fmt: skip
    chat.add_message(
        role="assistant", content="Sorry", interrupted=True, created_at=1_790_000_005.0
    )
    history = chat.to_dict(exclude_timestamp=False, exclude_image=False, exclude_metrics=False)

    items = items_of(json.loads(json.dumps(history))["items"])

    assert [item.type for item in items] == [
        "message", "message", "function_call", "function_call_output", "agent_handoff", "message",
    ]  # fmt: skip
    said, called, returned, handed, last = items[1:]
    assert (said.id, said.role, said.text) == (user.id, "user", "Look,\n[image]\nhere.")
    assert said.created_at == datetime.fromtimestamp(1_790_000_001.5, UTC)
    assert said.metrics == {"transcription_delay": 0.2, "end_of_turn_delay": 0.5}
    assert (called.name, called.arguments, called.call_id) == ("look_up", '{"order":7}', "call_1")
    assert (returned.output, returned.is_error) == ("none", True)
    assert handed.extra == {"old_agent_id": "a", "new_agent_id": "b"}
    assert (last.interrupted, last.text) == (True, "Sorry")


def test_an_unknown_type_is_kept_with_its_fields() -> None:
    [item] = items_of([{"id": "x", "type": "mood_change", "mood": "good", "created_at": 1.8e9}])

    assert (item.type, item.extra) == ("mood_change", {"mood": "good"})


def test_an_item_without_an_id_has_the_same_one_each_time() -> None:
    yes = {"type": "message", "role": "user", "content": ["yes"]}
    first = [item.id for item in items_of([yes, {**yes, "content": ["no"]}, yes])]

    assert len({*first}) == 3
    assert [item.id for item in items_of([yes, yes])] == [first[0], first[2]]


def test_of_items_with_one_id_the_last_counts() -> None:
    items = items_of([{"id": "a", "content": "Hel"}, {"id": "b"}, {"id": "a", "content": "Hello"}])

    assert [(item.id, item.text) for item in items] == [("b", None), ("a", "Hello")]


@pytest.mark.parametrize(
    "time", [None, True, "soon", float("nan"), float("inf"), -1, 10**30, 0, {}, "2026-01-01"]
)
def test_an_item_without_a_valid_time_has_that_of_the_one_before_or_the_first(time: Any) -> None:
    untimed = {"content": "x", "created_at": time}
    at = [1_790_000_000.0, 1_790_000_009.0]

    items = items_of([untimed, {"created_at": at[0]}, untimed, {"created_at": at[1]}])

    expected = [datetime.fromtimestamp(second, UTC) for second in (at[0], at[0], at[0], at[1])]
    assert [item.created_at for item in items] == expected
    assert items_of([untimed])[0].created_at is None


def test_huge_values_are_cut_and_say_so() -> None:
    huge = "x" * (LONGEST_TEXT + 1)
    [long, short, extra, name] = items_of(
        [
            {"id": "1", "content": [huge]},
            {"id": "2", "content": ["x" * LONGEST_TEXT]},
            {"id": "3", "trace": [huge], "note": "kept"},
            {"id": "4", "type": "message", "name": "n" * 999},
        ]
    )

    assert (len(long.text or ""), long.truncated) == (LONGEST_TEXT, True)
    assert not short.truncated
    assert len(json.dumps(dict(extra.extra))) <= LARGEST_EXTRA
    assert extra.truncated
    assert extra.extra["note"] == "kept"
    assert (len(name.name or ""), name.truncated) == (LONGEST_NAME, True)


def test_what_no_database_stores_is_replaced() -> None:
    [item] = items_of([{"id": "a\0b", "content": "\0 \ud800", "metrics": {"\0": "\udfff"}}])

    assert item.text == "\ufffd ?"
    assert item.id == storable(item.id)
    assert item.metrics == {"\ufffd": "?"}


def test_deeply_nested_values_are_no_error() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]

    items = items_of([{"content": deep, "metrics": {"a": deep}, "arguments": deep, "more": deep}])

    assert len(items) == 1


@pytest.mark.slow
def test_a_hundred_thousand_items_are_read() -> None:
    history = [{"id": f"item_{n}", "content": ["word " * 20]} for n in range(100_000)]

    assert len(items_of(history)) == 100_000
