"""The agent's configuration: known keys checked and filled in, unknown keys untouched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.agents.agent_config import NOISE_CANCELLATION_TYPES, RESERVED, AgentConfig
from domain.shared.errors import InvalidInput

# The contract's table, written out again: deployed workers read these.
CONTRACT = {
    "stt": "assemblyai/universal-streaming:en",
    "tts": "cartesia/sonic-3:9626c31c-bec5-4cca-baa8-f8ba9e84c8bc",
    "llm": "openai/gpt-4o-mini",
    "greeting": None,
    "realtime": False,
    "realtime_model": "gpt-4o-realtime-preview",
    "realtime_voice": "sage",
    "vad_enabled": True,
    "turn_detection_enabled": True,
    "noise_cancellation_enabled": True,
    "noise_cancellation_type": "auto",
}
STRINGS = ["stt", "tts", "llm", "prompt", "greeting", "realtime_model", "realtime_voice"]
BOOLEANS = ["realtime", "vad_enabled", "turn_detection_enabled", "noise_cancellation_enabled"]
KEYS = [*STRINGS, *BOOLEANS, "noise_cancellation_type"]

NOT_STRINGS: list[Any] = [0, 1, 1.5, True, False, [], ["a"], {}, {"a": "b"}, b"a"]
NOT_BOOLEANS: list[Any] = [0, 1, 0.0, "true", "false", "", [], [True], {}, {"a": True}]
NOT_KINDS: list[Any] = ["", "AUTO", "auto ", "bvc", 0, True, False, [], ["auto"], {}, {"a": 1}]

WRONG = (
    [(key, value) for key in STRINGS for value in NOT_STRINGS]
    + [(key, value) for key in BOOLEANS for value in NOT_BOOLEANS]
    + [("noise_cancellation_type", value) for value in NOT_KINDS]
)


@pytest.mark.parametrize("given", [None, {}])
def test_given_nothing_then_the_contracts_defaults_hold(given: dict[str, Any] | None) -> None:
    values = dict(AgentConfig.parse(given).values)
    prompt = values.pop("prompt")
    assert values == CONTRACT
    assert isinstance(prompt, str)
    assert "assistant" in prompt


@pytest.mark.parametrize(("key", "value"), WRONG, ids=ascii)
def test_given_a_known_key_of_the_wrong_type_then_the_key_is_named(key: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentConfig.parse({key: value})
    assert caught.value.details["field"] == f"agentConfig.{key}"
    assert key in str(caught.value)


@pytest.mark.parametrize(("key", "value"), WRONG[::10], ids=ascii)
def test_the_example_that_an_error_shows_is_accepted(key: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentConfig.parse({key: value})
    example = caught.value.details["example"]
    assert AgentConfig.parse({key: example}).values[key] == example


@pytest.mark.parametrize("key", STRINGS)
@pytest.mark.parametrize("value", ["", " ", "x", "ü🙂", "null"])
def test_given_any_string_then_a_string_key_keeps_it(key: str, value: str) -> None:
    assert AgentConfig.parse({key: value}).values[key] == value


@pytest.mark.parametrize("key", BOOLEANS)
@pytest.mark.parametrize("value", [True, False])
def test_given_a_boolean_then_a_boolean_key_keeps_it(key: str, value: bool) -> None:  # noqa: FBT001
    assert AgentConfig.parse({key: value}).values[key] is value


def test_the_noise_cancellation_types_are_the_contracts() -> None:
    assert set(NOISE_CANCELLATION_TYPES) == {"auto", "telephony", "standard", "none"}


@pytest.mark.parametrize("value", ["auto", "telephony", "standard", "none"])
def test_given_a_noise_cancellation_type_then_it_is_kept(value: str) -> None:
    config = AgentConfig.parse({"noise_cancellation_type": value})
    assert config.values["noise_cancellation_type"] == value


@pytest.mark.parametrize("key", KEYS)
def test_given_null_then_a_known_key_has_its_default(key: str) -> None:
    assert AgentConfig.parse({key: None}).values == AgentConfig.parse(None).values


def test_given_null_then_an_unknown_key_keeps_it() -> None:
    assert json.loads(AgentConfig.parse({"theme": None}).metadata())["theme"] is None


def test_given_no_greeting_then_the_worker_still_reads_a_null() -> None:
    metadata = json.loads(AgentConfig.parse({}).metadata())
    assert "greeting" in metadata
    assert metadata["greeting"] is None


@pytest.mark.parametrize("key", RESERVED)
@pytest.mark.parametrize("value", ["forged", None, 1])
def test_given_a_key_that_only_the_service_sets_then_it_is_refused(key: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentConfig.parse({key: value})
    assert caught.value.details["field"] == f"agentConfig.{key}"


def test_the_reserved_keys_are_the_contracts() -> None:
    assert set(RESERVED) == {
        "session_id",
        "call_id",
        "caller_number",
        "called_number",
        "direction",
    }


@pytest.mark.parametrize("given", [[], "x", 1, True, [("stt", "x")]], ids=ascii)
def test_given_something_else_than_an_object_then_it_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentConfig.parse(given)
    assert caught.value.details["field"] == "agentConfig"


def test_parsing_changes_neither_what_it_was_given_nor_the_defaults() -> None:
    given = {"stt": "mine", "greeting": None, "own": [1]}
    AgentConfig.parse(given)
    assert given == {"stt": "mine", "greeting": None, "own": [1]}
    assert AgentConfig.parse(None).values["stt"] == CONTRACT["stt"]


def test_the_metadata_is_flat_and_carries_what_the_service_adds() -> None:
    metadata = json.loads(AgentConfig.parse({"stt": "mine"}).metadata(session_id="s", call_id="c"))
    assert metadata["stt"] == "mine"
    assert (metadata["session_id"], metadata["call_id"]) == ("s", "c")
    assert set(metadata) == {*KEYS, "session_id", "call_id"}


def test_an_example_of_a_greeting_is_one_and_of_the_rest_the_default() -> None:
    examples = {}
    for key in STRINGS:
        with pytest.raises(InvalidInput) as caught:
            AgentConfig.parse({key: 7})
        examples[key] = caught.value.details["example"]

    defaults = {key: AgentConfig.parse(None).values[key] for key in STRINGS}
    assert examples == {**defaults, "greeting": "Hello! How can I help?"}


def test_given_null_then_what_comes_after_it_is_still_read() -> None:
    values = AgentConfig.parse({"stt": None, "llm": "mine", "x": 1}).values

    assert (values["stt"], values["llm"], values["x"]) == (CONTRACT["stt"], "mine", 1)


def test_what_was_chosen_is_what_differs_from_the_defaults() -> None:
    given = {"llm": "mine", "stt": CONTRACT["stt"], "realtime": False, "x": None, "greeting": "Hi"}

    assert AgentConfig.parse(None).chosen == {}
    assert AgentConfig.parse(given).chosen == {"llm": "mine", "x": None, "greeting": "Hi"}


def test_an_outline_keeps_the_models_and_nothing_that_a_person_wrote() -> None:
    config = AgentConfig.parse({"llm": "mine", "prompt": "secret", "greeting": "Hi Ann", "x": 1})

    assert not config.is_outline
    assert config.outline.is_outline
    assert config.outline.values["llm"] == "mine"
    assert not {"prompt", "greeting", "x"} & set(config.outline.values)


@pytest.mark.parametrize("tools", [[], ["look_up"], ["a", "a", ""]])
def test_given_tools_then_the_worker_gets_them(tools: list[str]) -> None:
    assert json.loads(AgentConfig.parse({"tools": tools}).metadata())["tools"] == tools


@pytest.mark.parametrize("given", [None, {"tools": None}])
def test_given_no_tools_then_the_worker_gets_none(given: dict[str, Any] | None) -> None:
    assert "tools" not in json.loads(AgentConfig.parse(given).metadata())


@pytest.mark.parametrize("tools", ["look_up", {}, 1, True, [1], [None], [["a"]], [{"name": "a"}]])
def test_given_tools_that_are_no_list_of_strings_then_they_are_refused(tools: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        AgentConfig.parse({"tools": tools})

    assert caught.value.details["field"] == "agentConfig.tools"
    assert AgentConfig.parse({"tools": caught.value.details["example"]})
