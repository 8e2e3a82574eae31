"""Saved agents: what they may consist of, and the configuration of a session."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.agent_config import DEFAULTS, MAX_METADATA_BYTES, AgentConfig
from domain.agents.definition import MAX_DESCRIPTION, MAX_NAME, AgentDefinition
from domain.shared.errors import InvalidInput, MetadataTooLarge

SUPPORT: dict[str, Any] = {
    "name": "support",
    "agentName": "support-worker",
    "description": "Answers questions about orders.",
    "agentConfig": {
        "llm": "x/large",
        "prompt": "You help {{customer_name}} of {{ company }}.",
        "greeting": "Hello {{customer_name}}!",
        "tools": ["orders"],
        "mine": {"a": 1, "b": {"c": "{{not_replaced}}"}},
    },
    "variables": {"customer_name": "there", "company": None},
}


def test_what_is_given_is_what_is_shown_and_stored() -> None:
    definition = AgentDefinition.parse(SUPPORT)

    assert definition.fields == SUPPORT
    assert AgentDefinition.stored(definition.fields) == definition
    assert AgentDefinition.parse({"name": " a "}).fields == {"name": "a"}
    assert AgentDefinition.parse({**dict.fromkeys(SUPPORT), "name": "a"}).fields == {"name": "a"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": None}, "name"),
        ({"name": " "}, "name"),
        ({"name": 1}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * (MAX_NAME + 1)}, "name"),
        ({"agentName": ""}, "agentName"),
        ({"agentName": ["a"]}, "agentName"),
        ({"description": 1}, "description"),
        ({"description": "x" * (MAX_DESCRIPTION + 1)}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"agentConfig": []}, "agentConfig"),
        ({"agentConfig": {"llm": 1}}, "agentConfig.llm"),
        ({"agentConfig": {"session_id": "x"}}, "agentConfig.session_id"),
        ({"agentConfig": {"mine": float("nan")}}, "agentConfig"),
        ({"agentConfig": {"mine": "\udfff"}}, "agentConfig"),
        ({"agentConfig": {"prompt": "{{unknown}}"}}, "agentConfig.prompt"),
        ({"agentConfig": {"greeting": "{{"}}, "agentConfig.greeting"),
        ({"variables": {"customer_name": "\ud800", "company": ""}}, "variables.customer_name"),
        ({"variables": {}}, "agentConfig.prompt"),
        ({"agentconfig": {}}, "agentconfig"),
    ],
    ids=ascii,
)
def test_given_a_wrong_field_when_an_agent_is_saved_then_it_is_named(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentDefinition.parse({**SUPPORT, **changes})

    assert caught.value.details["field"] == field


def test_given_what_no_session_could_use_then_it_is_refused() -> None:
    with pytest.raises(MetadataTooLarge):
        AgentDefinition.parse({"name": "a", "agentConfig": {"prompt": "x" * MAX_METADATA_BYTES}})


@pytest.mark.parametrize("default", ["x" * 4000, None])
def test_given_defaults_that_no_session_could_use_then_the_agent_is_refused(
    default: str | None,
) -> None:
    agent = {
        "name": "a",
        "agentConfig": {"prompt": "{{v}}" * 20},
        "variables": {"v": default},
    }
    if default is None:  # each session gives its own value
        assert AgentDefinition.parse(agent).variables == {"v": None}
        return
    with pytest.raises(MetadataTooLarge) as caught:
        AgentDefinition.parse(agent)

    assert caught.value.details["field"] == "agentConfig.prompt"


def test_one_is_not_true() -> None:
    one, true = ({"name": "a", "agentConfig": {"mine": value}} for value in (1, True))

    assert not AgentDefinition.parse(one).is_same(AgentDefinition.parse(true))


def test_the_order_of_keys_makes_no_difference() -> None:
    one = AgentDefinition.parse({"name": "a", "agentConfig": {"x": 1, "y": 2}})

    assert one.is_same(AgentDefinition.parse({"agentConfig": {"y": 2, "x": 1}, "name": "a"}))


def test_a_session_gets_the_agent_with_the_overlay_and_the_values() -> None:
    definition = AgentDefinition.parse(SUPPORT)

    config = definition.configuration(
        {"company": "{{customer_name}}"},
        {"llm": "x/small", "mine": {"a": None, "b": {"d": 1}}, "greeting": None},
    )

    assert config.values["prompt"] == "You help there of {{customer_name}}."
    assert config.values["greeting"] is None
    assert config.values["llm"] == "x/small"
    assert config.values["stt"] == DEFAULTS["stt"]
    assert config.values["tools"] == ["orders"]
    assert config.values["mine"] == {"b": {"c": "{{not_replaced}}", "d": 1}}
    assert definition.fields == SUPPORT


def test_an_overlay_may_use_the_agents_variables() -> None:
    definition = AgentDefinition.parse(SUPPORT)

    config = definition.configuration({"company": "Acme"}, {"prompt": "Only {{company}}."})

    assert config.values["prompt"] == "Only Acme."


@pytest.mark.parametrize(
    ("overlay", "field"),
    [
        ([], "agentConfig"),
        ({"llm": 1}, "agentConfig.llm"),
        ({"call_id": "x"}, "agentConfig.call_id"),
        ({"prompt": "{{other}}"}, "agentConfig.prompt"),
    ],
)
def test_given_a_wrong_overlay_then_its_field_is_named(overlay: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentDefinition.parse(SUPPORT).configuration({"company": "Acme"}, overlay)

    assert caught.value.details["field"] == field


def test_an_overlay_that_is_nested_deeply_is_refused_before_it_is_merged() -> None:
    overlay: dict[str, Any] = {}
    for _ in range(100_000):
        overlay = {"a": overlay}

    with pytest.raises(InvalidInput, match="nested deeper"):
        AgentDefinition.parse({"name": "a"}).configuration(None, overlay)


@given(st.dictionaries(st.sampled_from(["mine", "other"]), st.none() | st.integers(), max_size=2))
def test_an_agent_without_a_configuration_is_the_overlay_alone(overlay: dict[str, Any]) -> None:
    config = AgentDefinition.parse({"name": "a"}).configuration(None, overlay)

    given_values = {key: value for key, value in overlay.items() if value is not None}
    assert config == AgentConfig.parse({**given_values, "tools": []})
