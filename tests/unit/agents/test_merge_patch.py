"""JSON Merge Patch does what RFC 7386 says."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.merge_patch import merge_patch

# RFC 7386, appendix A: the original, the patch and the result.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON, max_size=3)


@pytest.mark.parametrize(("original", "patch", "result"), EXAMPLES)
def test_the_examples_of_the_rfc_hold(original: Any, patch: Any, result: Any) -> None:
    assert merge_patch(original, patch) == result


@given(JSON, JSON)
def test_given_a_patch_when_it_is_merged_twice_then_it_changes_nothing_more(
    original: Any, patch: Any
) -> None:
    once = merge_patch(original, patch)

    assert merge_patch(once, patch) == once


@given(JSON, JSON)
def test_neither_argument_is_changed(original: Any, patch: Any) -> None:
    before = copy.deepcopy((original, patch))

    merge_patch(original, patch)

    assert (original, patch) == before


@given(OBJECTS)
def test_an_empty_patch_changes_nothing(original: dict[str, Any]) -> None:
    assert merge_patch(original, {}) == original


@given(OBJECTS, OBJECTS)
def test_keys_that_the_patch_does_not_name_are_kept(
    original: dict[str, Any], patch: dict[str, Any]
) -> None:
    merged = merge_patch(original, patch)

    kept = original.keys() - patch.keys()
    assert {key: merged[key] for key in kept} == {key: original[key] for key in kept}
    assert all(key not in merged for key, value in patch.items() if value is None)
