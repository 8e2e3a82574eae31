"""Variables: checked when an agent is saved and when it is used, and inserted once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.agent_config import MAX_METADATA_BYTES
from domain.agents.variables import (
    MAX_VALUE,
    MAX_VARIABLES,
    check_template,
    check_variables,
    render,
    resolve,
)
from domain.shared.errors import InvalidInput, MetadataTooLarge

NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z")
# Values that look like variables, and parts of one.
VALUES = st.text(max_size=8) | st.sampled_from(["{{a}}", "{{", "}}", "{", "{{b}}", "\\1", r"\g<0>"])
PLAIN = st.text(max_size=8).filter(lambda text: "{" not in text)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), st.data())
def test_every_value_is_inserted_as_it_is_and_once(
    values: dict[str, str], data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(values)), max_size=6))
    between = [data.draw(PLAIN) for _ in range(len(names) + 1)]
    template = "".join(
        text + (f"{{{{ {name} }}}}" if spaced else f"{{{{{name}}}}}")
        for text, name, spaced in zip(between, names, data.draw(spacing(len(names))), strict=False)
    )
    template += between[-1]
    check_template(template, values, "agentConfig.prompt")

    rendered = render(template, values, "agentConfig.prompt")

    expected = "".join(text + values[name] for text, name in zip(between, names, strict=False))
    assert rendered == expected + between[-1]


def spacing(count: int) -> st.SearchStrategy[list[bool]]:
    return st.lists(st.booleans(), min_size=count, max_size=count)


@given(st.dictionaries(NAMES, PLAIN, max_size=4), PLAIN)
def test_given_a_text_without_variables_when_it_is_rendered_then_it_stays(
    values: dict[str, str], text: str
) -> None:
    assert render(text, values, "agentConfig.prompt") == text


@given(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=4))
def test_given_plain_values_when_a_text_is_rendered_again_then_nothing_changes(
    values: dict[str, str],
) -> None:
    template = " ".join(f"{{{{{name}}}}}" for name in values)
    once = render(template, values, "agentConfig.prompt")

    assert render(once, values, "agentConfig.prompt") == once


@pytest.mark.parametrize(
    "template",
    ["{{", "{{}}", "{{ }}", "{{a", "{{a}", "{{a b}}", "{{{a}}}", "{{1a}}", "{{a-b}}", "x {{a\n}}",
     "{{ä}}", "{{a}} {{", "{{{{a}}}}", "{{a.b}}", "{{#if a}}", "{{" + "a" * 65 + "}}"],
)  # fmt: skip
def test_given_bad_syntax_when_it_is_checked_then_the_field_is_named(template: str) -> None:
    with pytest.raises(InvalidInput, match=r"agentConfig.greeting has '\{\{' at") as caught:
        check_template(template, {"a": "x"}, "agentConfig.greeting")

    assert caught.value.details["field"] == "agentConfig.greeting"


def test_json_in_a_prompt_is_no_variable() -> None:
    check_template('Answer with {"a": {"b": 1}}.', {}, "agentConfig.prompt")


def test_given_an_undeclared_variable_when_it_is_checked_then_it_is_named() -> None:
    with pytest.raises(InvalidInput, match="the variable 'b', which is not declared"):
        check_template("{{a}} {{b}}", {"a": None}, "agentConfig.prompt")


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ([], "variables"),
        ("a", "variables"),
        (1, "variables"),
        ({"": "x"}, "variables"),
        ({"a b": "x"}, "variables"),
        ({"a" * 65: "x"}, "variables"),
        ({1: "x"}, "variables"),
        ({f"v{number}": "" for number in range(MAX_VARIABLES + 1)}, "variables"),
        ({"a": 1}, "variables.a"),
        ({"a": True}, "variables.a"),
        ({"a": ["x"]}, "variables.a"),
        ({"a": "x" * (MAX_VALUE + 1)}, "variables.a"),
        ({"a": "{{a}}"}, "variables.a"),
        ({"a": "{{b}}", "b": "{{a}}"}, "variables.a"),
    ],
)
def test_given_wrong_declarations_then_the_field_is_named(variables: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_variables(variables)

    assert caught.value.details["field"] == field


def test_a_value_comes_before_the_default() -> None:
    declared = check_variables({"a": "default", "b": None, "c": "kept"})

    assert resolve(declared, {"a": "given", "b": ""}) == {"a": "given", "b": "", "c": "kept"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (None, "variables.b"),
        ({}, "variables.b"),
        ({"b": None}, "variables.b"),
        ({"a": "x", "b": 1}, "variables.b"),
        ({"b": "x", "c": "y"}, "variables.c"),
        ({"b": "x" * (MAX_VALUE + 1)}, "variables.b"),
        ({"b": "\ud800"}, "variables.b"),
        ({"b": "x", "not a name": "y"}, "variables"),
        ([], "variables"),
        ("b", "variables"),
    ],
)
def test_given_wrong_values_when_an_agent_is_used_then_the_field_is_named(
    values: Any, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve({"a": "default", "b": None}, values)

    assert caught.value.details["field"] == field


def test_given_values_that_multiply_then_no_text_is_built_that_metadata_cannot_hold() -> None:
    template = "{{a}}" * 10_000

    with pytest.raises(MetadataTooLarge) as caught:
        render(template, {"a": "x" * MAX_VALUE}, "agentConfig.prompt")

    assert caught.value.details["field"] == "agentConfig.prompt"
    assert caught.value.details["limitBytes"] == MAX_METADATA_BYTES
