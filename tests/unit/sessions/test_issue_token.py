"""The standard token endpoint starts a session that waits for its user, by its own field names."""

from __future__ import annotations

from typing import Any, Final

import pytest

from domain.access.access import WORK, Access
from domain.access.client_grant import ClientGrant
from domain.shared.errors import InvalidInput
from tests.unit.worlds.tokens import TokenEndpoint
from tests.unit.worlds.world import AGENT, World

ANN: Final = Access(tenant="ann", scopes=WORK, sees_unowned=False)


async def test_given_no_field_then_a_new_user_has_a_token_for_a_new_room() -> None:
    world = World()

    started = await TokenEndpoint(world).fetches()

    assert str(started.identity).startswith("user-")
    assert started.session.is_unused
    assert started.session.agent_name == AGENT
    assert world.livekit.calls == []


async def test_given_a_publishable_key_then_its_agent_and_tenant_are_the_session_s() -> None:
    grant = ClientGrant(access=ANN, agent_name="receptionist")

    started = await TokenEndpoint(World()).fetches(grant, participant_identity="ann-1")

    assert (started.session.tenant, started.session.agent_name) == ("ann", "receptionist")
    assert str(started.identity) == "ann-1"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"room_name": "room-1"}, "room_name"),
        (
            {"room_config": {"agents": [{"agent_name": "receptionist"}]}},
            "room_config.agents[0].agent_name",
        ),
    ],
    ids=["a room", "another agent"],
)
async def test_given_a_publishable_key_then_a_client_may_name_no_room_and_no_other_agent(
    asked: dict[str, Any], field: str
) -> None:
    grant = ClientGrant(access=ANN, agent_name=AGENT)

    with pytest.raises(InvalidInput) as refused:
        await TokenEndpoint(World()).fetches(grant, **asked)

    assert refused.value.details["field"] == field


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"participant_identity": "two words"}, "participant_identity"),
        ({"room_name": "a b"}, "room_name"),
        ({"participant_attributes": {"other": "x"}}, "participant_attributes"),
    ],
    ids=["identity", "room", "attributes"],
)
async def test_given_a_wrong_value_then_the_error_names_the_field_of_this_endpoint(
    asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await TokenEndpoint(World()).fetches(**asked)

    assert str(refused.value.details["field"]).startswith(field)
    assert field in str(refused.value)
