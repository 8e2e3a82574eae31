"""What a client may choose at LiveKit's standard token endpoint."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.sessions.token_policy import MAX_METADATA_BYTES, ChosenAgent, TokenPolicy
from domain.shared.errors import InvalidInput

STRICT = TokenPolicy(agent_names=("shreya-obnox",))
LOOSE = TokenPolicy(
    agent_names=("shreya-obnox", "receptionist"),
    agent_keys=("greeting", "my_*"),
    metadata_keys=("plan",),
    attributes=("plan", "app.*"),
)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda children: some.lists(children) | some.dictionaries(some.text(), children),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "empty",
    [
        None, {}, {"agents": []}, {"agents": None}, {"agents": [{}]}, {"agents": [None]},
        {"agents": [{"agent_name": "", "metadata": "", "deployment": ""}]},
        {"name": "", "empty_timeout": 0, "egress": None, "metadata": "", "sync_streams": False},
    ],
)  # fmt: skip
def test_what_has_its_default_is_as_if_it_were_absent(empty: object) -> None:
    assert STRICT.agent(empty) == ChosenAgent()


def test_a_permitted_agent_may_be_chosen() -> None:
    assert STRICT.agent({"agents": [{"agent_name": "shreya-obnox"}]}).name == "shreya-obnox"
    assert LOOSE.agent({"agents": [{"agent_name": "receptionist"}]}).name == "receptionist"


@pytest.mark.parametrize(
    ("room_config", "field"),
    [
        ({"egress": {"room": {"file_outputs": [{}]}}}, "room_config.egress"),
        ({"name": "preset"}, "room_config.name"),
        ({"empty_timeout": 86400}, "room_config.empty_timeout"),
        ({"departure_timeout": 86400}, "room_config.departure_timeout"),
        ({"max_participants": 1}, "room_config.max_participants"),
        ({"metadata": "x"}, "room_config.metadata"),
        ({"tags": {"a": "b"}}, "room_config.tags"),
        ({"min_playout_delay": 1}, "room_config.min_playout_delay"),
        ({"anything": 1}, "room_config.anything"),
        ({"agents": [{"agent_name": "other"}]}, "room_config.agents[0].agent_name"),
        ({"agents": [{"agent_name": "receptionist"}]}, "room_config.agents[0].agent_name"),
        ({"agents": [{"agent_name": ["shreya-obnox"]}]}, "room_config.agents[0].agent_name"),
        ({"agents": [{"agent_name": 1}]}, "room_config.agents[0].agent_name"),
        ({"agents": [{"metadata": "{}"}]}, "room_config.agents[0].metadata"),
        ({"agents": [{"metadata": {"prompt": "x"}}]}, "room_config.agents[0].metadata"),
        ({"agents": [{"deployment": "staging"}]}, "room_config.agents[0].deployment"),
        ({"agents": [{"attributes": {"a": "b"}}]}, "room_config.agents[0].attributes"),
        ({"agents": [{}, {}]}, "room_config.agents"),
        ({"agents": {"agent_name": "shreya-obnox"}}, "room_config.agents"),
        ({"agents": "shreya-obnox"}, "room_config.agents"),
        ({"agents": ["shreya-obnox"]}, "room_config.agents[0]"),
        ("shreya-obnox", "room_config"),
        ([{}], "room_config"),
    ],
)
def test_what_costs_money_or_was_not_permitted_is_refused(room_config: object, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        STRICT.agent(room_config)

    assert refused.value.details["field"] == field


def test_permitted_keys_of_an_agent_s_metadata_become_its_configuration() -> None:
    text = json.dumps({"greeting": "Hi!", "my_plan": {"a": [1]}})

    assert LOOSE.agent({"agents": [{"metadata": text}]}).config == json.loads(text)


@pytest.mark.parametrize(
    "text", ['{"prompt": "x"}', "[]", "null", "1", "x", '"greeting"', "{", "[" * 100_000, "{}" * 2]
)
def test_other_metadata_of_an_agent_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        LOOSE.agent({"agents": [{"metadata": text}]})

    assert refused.value.details["field"] == "room_config.agents[0].metadata"


def test_a_participant_s_metadata_and_attributes_are_limited_to_permitted_keys() -> None:
    assert LOOSE.metadata('{"plan": "pro"}') == '{"plan": "pro"}'
    assert LOOSE.attributes_of({"plan": "pro", "app.locale": "de"}) == {
        "plan": "pro", "app.locale": "de",
    }  # fmt: skip
    for policy, metadata in ((STRICT, "{}"), (LOOSE, '{"role": "admin"}'), (LOOSE, "pro")):
        with pytest.raises(InvalidInput, match="participant_metadata"):
            policy.metadata(metadata)
    for policy, attributes in ((STRICT, {"plan": "pro"}), (LOOSE, {"role": "admin"}), (LOOSE, [1])):
        with pytest.raises(InvalidInput, match="participant_attributes"):
            policy.attributes_of(attributes)


def test_nothing_given_is_nothing_chosen() -> None:
    assert (STRICT.metadata(None), STRICT.metadata("")) == (None, None)
    assert (STRICT.attributes_of(None), STRICT.attributes_of({})) == (None, None)


def test_any_text_may_be_permitted() -> None:
    policy = TokenPolicy(metadata_keys=("*",))

    assert policy.metadata("no JSON") == "no JSON"


@pytest.mark.parametrize("extra", [0, 1])
def test_metadata_is_bounded(extra: int) -> None:
    frame = len('{"plan":""}')
    text = json.dumps({"plan": "x" * (MAX_METADATA_BYTES - frame + extra)}, separators=(",", ":"))
    if extra:
        with pytest.raises(InvalidInput) as refused:
            LOOSE.metadata(text)
        assert refused.value.details["limitBytes"] == MAX_METADATA_BYTES
    else:
        assert LOOSE.metadata(text) == text


@given(JSON, JSON)
def test_any_json_is_permitted_or_refused(room_config: Any, agent: Any) -> None:
    for policy in (STRICT, LOOSE):
        for asked in (room_config, {"agents": [agent]}, {"agents": agent}):
            with suppress(InvalidInput):
                assert policy.agent(asked).name in (None, *policy.agent_names)
