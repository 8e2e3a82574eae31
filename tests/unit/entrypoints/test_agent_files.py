"""Saved agents as YAML: what is written is read again, and what would be lost is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.definition import AgentDefinition
from domain.shared.errors import InvalidInput
from entrypoints.cli.agent_files import read_agents, write_agents

TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.sampled_from(["no", "~", "1.0", "2026-01-01", "0x1f", "1_000", "<<", "=", "a: b", "- a",
                       "a\nb\n", " a\n b", "a\n\n", "\u2028", "\x85", "#a", "é", "\t\n"])
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
CONFIGS = st.dictionaries(TEXTS.map("x-{}".format), JSON, max_size=4)


@given(st.lists(st.tuples(CONFIGS, TEXTS), min_size=1, max_size=3))
def test_what_is_written_is_read_again(given: list[tuple[dict[str, Any], str]]) -> None:
    definitions = [
        AgentDefinition.parse({
            "name": f"agent {number}", "agentConfig": config, "description": description,
        })
        for number, (config, description) in enumerate(given)
    ]  # fmt: skip

    read = [AgentDefinition.parse(one) for one in read_agents("f", write_agents(definitions))]

    assert len(read) == len(definitions)
    assert all(one.is_same(other) for one, other in zip(read, definitions, strict=True))


def test_a_text_of_several_lines_is_written_as_such() -> None:
    definition = AgentDefinition.parse({"name": "a", "agentConfig": {"prompt": "One.\nTwo."}})

    assert "  prompt: |-\n    One.\n    Two.\n" in write_agents([definition])


@pytest.mark.parametrize(
    "text",
    ["name: a\n---\nname: b\n", "- name: a\n- name: b\n", "---\n---\nname: a\n---\n- name: b"],
)
def test_agents_are_documents_or_lists(text: str) -> None:
    assert [agent["name"] for agent in read_agents("f", text)] == ["a", "b"]


def test_dates_stay_text() -> None:
    (agent,) = read_agents("f", "name: a\ndescription: 2026-01-01\n")

    assert agent["description"] == "2026-01-01"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f has no agent"),
        ("---\n", "f has no agent"),
        ("name: [", "f, line 1: "),
        ("name: a\nname: b", "f, line 2: the key 'name' occurs twice"),
        ("name: a\nagentConfig: {1: x}", "f, line 2: a key must be a string"),
        ("name: a\nagentConfig: {yes: x}", "f, line 2: a key must be a string"),
        ("name: a\nagentConfig: &b {x: 1}\nvariables: *b", "f, line 3: aliases"),
        ("name: a\nagentConfig: &b {x: *b}", "f, line 2: aliases"),
        ("name: a\nagentConfig: {<<: {x: 1}}", "f, line 2: a key must be a string"),
        ("name: !!python/name:os.system a", "f, line 1: could not determine a constructor"),
        ("name: !!binary aGk=", "f, line 1: could not determine a constructor"),
        ("name: a\nagentConfig: !!set {x: null}", "f, line 2: could not determine a constructor"),
        ("name: a\nagentConfig: {x: .nan}", "f, agent 1: agentConfig"),
        ("name: 'a\\0'\0", "f is not YAML that can be read"),
        ("[" * 600, "f is not YAML that can be read"),
        ("a", "f, agent 1: an agent is a mapping"),
        ("name: a\n---\nagentName: b", "f, agent 2: name must be"),
        ("name: a\nagentconfig: {}", "f, agent 1: An agent has no field 'agentconfig'"),
        ("name: a\nagentConfig: {prompt: '{{b}}'}", "f, agent 1: agentConfig.prompt uses"),
        ("name: a\nagentConfig: {greeting: no}", "f, agent 1: agentConfig.greeting must be a str"),
        ("name: a\n---\nname: a", "f, agent 2: there is another agent 'a'"),
    ],
)  # fmt: skip
def test_given_bad_yaml_then_the_place_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_agents("f", text)

    assert str(caught.value).startswith(message)
