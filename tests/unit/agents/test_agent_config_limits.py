"""How deep, how large and how strange a configuration may be, and that it arrives as it left."""

from __future__ import annotations

import json
import math
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.agent_config import DEFAULTS, MAX_METADATA_BYTES, RESERVED, AgentConfig
from domain.shared.errors import InvalidInput, MetadataTooLarge

LIMIT = 64 * 1024

json_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | json_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(json_text, inner, max_size=4),
    max_leaves=20,
)
own_keys = json_text.filter(lambda key: key not in DEFAULTS and key not in RESERVED)


def nested(depth: int, kind: type = list) -> Any:
    """``depth`` containers, one in the other."""
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind is list else {"k": value}
    return value


def same(one: Any, other: Any) -> bool:
    """Equal and of the same types all the way down: 1, 1.0 and True differ."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


@given(st.dictionaries(own_keys, json_values, max_size=5))
def test_unknown_keys_reach_the_worker_exactly_as_given(own: dict[str, Any]) -> None:
    metadata = json.loads(AgentConfig.parse(own).metadata(session_id="s-1"))
    assert metadata["session_id"] == "s-1"
    assert same({key: metadata[key] for key in own}, own)
    assert set(metadata) == {*DEFAULTS, *own, "session_id"}


@pytest.mark.parametrize("value", [1, 1.0, True, 0, 0.0, -0.0, False, "1", 2**64, 1e300])
def test_one_and_one_point_nought_and_true_stay_apart(value: Any) -> None:
    assert same(json.loads(AgentConfig.parse({"own": value}).metadata())["own"], value)


@pytest.mark.parametrize("kind", [list, dict])
def test_given_100_levels_then_it_is_accepted(kind: type) -> None:
    value = nested(99, kind)
    metadata = AgentConfig.parse({"own": value}).metadata()
    assert json.loads(metadata)["own"] == value


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("depth", [100, 101, 1000, 100_000])
def test_given_more_than_100_levels_then_it_is_refused(kind: type, depth: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentConfig.parse({"own": nested(depth, kind)})
    assert caught.value.details["field"] == "agentConfig"
    assert "100" in str(caught.value)


def test_given_depth_beside_much_else_then_it_is_found() -> None:
    with pytest.raises(InvalidInput):
        AgentConfig.parse({"flat": 1, "wide": [[]] * 50, "own": [1, {"a": [nested(100)]}]})


def test_given_any_mapping_then_the_levels_below_it_count() -> None:
    with pytest.raises(InvalidInput):
        AgentConfig.parse(MappingProxyType({"own": nested(100_000)})).metadata()


def filled(size: int, character: str = "a") -> AgentConfig:
    """A configuration whose metadata has exactly ``size`` bytes."""
    empty = len(AgentConfig.parse({"own": ""}).metadata(session_id="s").encode())
    room = size - empty
    width = len(character.encode())
    text = character * (room // width) + "a" * (room % width)
    return AgentConfig.parse({"own": text})


@pytest.mark.parametrize("character", ["a", "ü", "€", "🙂"])
def test_given_exactly_64_kib_of_utf_8_then_it_is_accepted(character: str) -> None:
    text = filled(LIMIT, character).metadata(session_id="s")
    assert len(text.encode()) == LIMIT == MAX_METADATA_BYTES


@pytest.mark.parametrize("character", ["a", "ü", "€", "🙂"])
def test_given_one_byte_more_then_it_is_refused(character: str) -> None:
    with pytest.raises(MetadataTooLarge) as caught:
        filled(LIMIT + 1, character).metadata(session_id="s")
    assert caught.value.details == {"field": "agentConfig", "limitBytes": LIMIT}
    assert str(LIMIT + 1) in str(caught.value)


def test_what_the_service_adds_counts() -> None:
    config = filled(LIMIT)
    with pytest.raises(MetadataTooLarge):
        config.metadata(session_id="ss")


STRANGE: list[Any] = [
    math.nan,
    math.inf,
    -math.inf,
    "\ud800",
    "a\udfffb",
    {"\ud800": 1},
    [[math.nan]],
    {"a": ["\udc00"]},
    object(),
    {1, 2},
    b"bytes",
    10**5000,
]


@pytest.mark.parametrize("value", STRANGE, ids=lambda v: type(v).__name__)
def test_given_what_json_cannot_carry_then_it_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentConfig.parse({"own": value}).metadata()
    assert caught.value.details["field"] == "agentConfig"
    assert str(caught.value).encode()  # the sentence itself can be sent


@pytest.mark.parametrize("key", ["greeting", "prompt"])
def test_given_a_lone_surrogate_in_a_known_key_then_it_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        AgentConfig.parse({key: "\ud800"}).metadata()
