"""What POST /session shows of a session's configuration."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
import pytest

from domain.agents.agent_config import AgentConfig
from domain.sessions.start_session import StartedSession
from entrypoints.http.sessions.schemas import repeated_response, started_response, stored_response
from tests.contract.storage.ledgers import new_session


def started(config: dict[str, Any]) -> StartedSession:
    values = {**AgentConfig.parse(None).values, **config}
    session = new_session(agent_config=AgentConfig(values))
    return StartedSession(session, session.identity, "token", "wss://livekit.test")


@pytest.mark.parametrize("tools", [[], ["a"]])
def test_given_tools_then_they_are_shown(tools: list[str]) -> None:
    assert started_response(started({"tools": tools})).agent_config.tools == tools


@pytest.mark.parametrize("tools", [[{"name": "a"}], {"a": 1}, "a", [1], None])
def test_given_tools_from_before_they_were_checked_then_none_are_shown(tools: object) -> None:
    response = started_response(started({"tools": tools}))

    assert response.agent_config.tools is msgspec.UNSET


def test_given_a_configuration_that_was_not_kept_then_no_tools_are_shown() -> None:
    whole = started({"tools": ["a"]})
    config = whole.session.agent_config.outline
    outline = attrs.evolve(whole, session=attrs.evolve(whole.session, agent_config=config))

    assert started_response(outline).agent_config.tools is msgspec.UNSET


def test_what_is_stored_for_a_repetition_is_read_with_a_new_token() -> None:
    first = started({"tools": ["a"]})

    again = repeated_response(stored_response(first), "new")

    assert again == msgspec.structs.replace(started_response(first), user_token="new")
