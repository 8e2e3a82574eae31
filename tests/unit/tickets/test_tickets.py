"""Tickets: what they fix, how long they are good for, and how many sessions they begin."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.system.ticket_signer import HmacTicketSigner
from domain.access.access import WORK, Access, Scope
from domain.rooms.token_options import TOKEN_TTL, TokenRequest
from domain.sessions.extend_wait import JOIN_GRACE
from domain.sessions.session_status import EndReason
from domain.shared.errors import (
    DomainError,
    Forbidden,
    InvalidInput,
    MetadataTooLarge,
    NotFound,
    RateLimited,
    TooManySessions,
)
from domain.shared.identifiers import TicketId
from domain.shared.ticket_errors import TicketExpired, TicketRefused, TicketUsed, TooManyTickets
from domain.tickets import create_ticket
from domain.tickets.authenticate_ticket import REQUESTS_PER_MINUTE
from domain.tickets.create_ticket import CreateTicketCommand
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld
from tests.unit.worlds.tokens import TokenEndpoint
from tests.unit.worlds.world import AGENT

ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)
SECOND = timedelta(seconds=1)
SUPPORT = {
    "name": "support",
    "agentName": "support-worker",
    "agentConfig": {"prompt": "Help {{name}}."},
    "variables": {"name": None},
}


@pytest.fixture
def world() -> PhoneWorld:
    return PhoneWorld()


@pytest.fixture
def endpoint(world: PhoneWorld) -> TokenEndpoint:
    return TokenEndpoint(world)


async def ends(world: PhoneWorld, room: object, reason: EndReason) -> None:
    """End the room's session."""
    live = world.session(str(room))
    await world.ledger.save(live.ended(reason, world.clock.now()))


async def saved(world: PhoneWorld, access: Access, **changes: Any) -> str:
    owner = attrs.evolve(access, scopes=frozenset({Scope.AGENTS_WRITE}))
    return str((await world.manage_agents.create({**SUPPORT, **changes}, owner)).id)


# What a ticket fixes


async def test_given_a_ticket_then_its_session_is_what_it_fixes(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    agent_id = await saved(world, ANN)
    made = await endpoint.makes(
        ANN,
        user_identity="user-42",
        room_name="support-7",
        agent=agent_id,
        variables={"name": "Ann"},
        agent_config={"greeting": "Hi {{name}}!"},
        token=TokenRequest(
            participant_name="Ann",
            participant_metadata='{"role":"guest"}',
            participant_attributes={"role": "guest"},
            token_ttl_seconds=30,
        ),
    )

    started = await endpoint.redeems(made.text)

    session = started.session
    assert (str(session.room_name), str(session.identity)) == ("support-7", "user-42")
    assert (str(session.agent_id), session.agent_version) == (agent_id, 1)
    assert session.agent_name == "support-worker"
    assert session.agent_config.values["prompt"] == "Help Ann."
    assert session.agent_config.values["greeting"] == "Hi Ann!"
    assert session.tenant == "ann"
    assert session.is_unused
    assert "user-42 may join support-7 for 30 s" in started.token
    assert "'name': 'Ann'" in started.token
    assert "'role': 'guest'" in started.token
    assert world.dispatches("support-7") == []


async def test_given_an_agent_that_changes_then_the_ticket_keeps_its_version(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    agent_id = await saved(world, ANN, variables={"name": "you"})
    made = await endpoint.makes(ANN, agent=agent_id)
    writer = attrs.evolve(ANN, scopes=frozenset({Scope.AGENTS_WRITE}))
    await world.manage_agents.change(agent_id, {"agentConfig": {"prompt": "Hum."}}, None, writer)

    session = (await endpoint.redeems(made.text)).session

    assert session.agent_version == 1
    assert session.agent_config.values["prompt"] == "Help you."


async def test_given_an_agent_that_was_deleted_then_nothing_begins(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    agent_id = await saved(world, ANN, variables={"name": "you"})
    made = await endpoint.makes(ANN, agent=agent_id)
    writer = attrs.evolve(ANN, scopes=frozenset({Scope.AGENTS_WRITE}))
    await world.manage_agents.delete(agent_id, writer)

    with pytest.raises(NotFound):
        await endpoint.redeems(made.text)
    assert not world.storage.stored


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"participant_identity": "user-43"}, "participant_identity"),
        ({"room_name": "another"}, "room_name"),
        ({"participant_name": "Ben"}, "participant_name"),
        ({"participant_metadata": '{"plan":"pro"}'}, "participant_metadata"),
        ({"participant_attributes": {"plan": "pro"}}, "participant_attributes"),
        (
            {"room_config": {"agents": [{"agent_name": "receptionist"}]}},
            "room_config.agents[0].agent_name",
        ),
        ({"room_config": {"agents": [{"metadata": "{}"}]}}, "room_config.agents[0].metadata"),
        ({"room_config": {"egress": {"room": {"x": 1}}}}, "room_config.egress"),
        ({"room_config": {"max_participants": 9}}, "room_config.max_participants"),
    ],
)
async def test_a_request_that_contradicts_the_ticket_is_refused_and_uses_nothing_up(
    world: PhoneWorld, endpoint: TokenEndpoint, asked: dict[str, Any], field: str
) -> None:
    token = TokenRequest(
        participant_name="Ann",
        participant_metadata='{"plan":"free"}',
        participant_attributes={"plan": "free"},
    )
    made = await endpoint.makes(user_identity="user-42", room_name="support-7", token=token)

    with pytest.raises(InvalidInput) as refused:
        await endpoint.redeems(made.text, **asked)

    assert refused.value.details["field"] == field
    assert not world.storage.stored
    assert (await endpoint.redeems(made.text)).session.is_unused


async def test_a_request_may_repeat_what_the_ticket_fixes(endpoint: TokenEndpoint) -> None:
    token = TokenRequest(participant_name="Ann", participant_attributes={"plan": "pro"})
    made = await endpoint.makes(user_identity="user-42", room_name="support-7", token=token)

    started = await endpoint.redeems(
        made.text,
        participant_identity="user-42",
        room_name="support-7",
        participant_name="Ann",
        participant_attributes={"plan": "pro"},
        room_config={"agents": [{"agent_name": AGENT}]},
    )

    assert str(started.identity) == "user-42"


async def test_what_a_ticket_leaves_open_a_client_may_choose_as_far_as_the_settings_permit(
    endpoint: TokenEndpoint,
) -> None:
    made = await endpoint.makes()

    started = await endpoint.redeems(
        made.text, participant_name="Ann", participant_attributes={"plan": "pro"}
    )
    assert "'name': 'Ann'" in started.token
    assert "'plan': 'pro'" in started.token
    for refused in (
        {"participant_attributes": {"role": "admin"}},
        {"participant_metadata": '{"role":"admin"}'},
        {"participant_name": "a\nb"},
        {"room_name": "another-users-room"},
        {"participant_identity": "another-user"},
    ):
        with pytest.raises(InvalidInput) as error:
            await endpoint.redeems(made.text, **refused)
        assert error.value.details["field"] == next(iter(refused))


# How often it is used


async def test_given_a_lost_answer_then_the_repetition_gets_the_same_session(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    made = await endpoint.makes()
    first = await endpoint.redeems(made.text)

    again = await endpoint.redeems(made.text)

    assert again.session.id == first.session.id
    assert (again.identity, again.session.room_name) == (first.identity, first.session.room_name)
    assert len(world.storage.stored) == 1


async def test_given_requests_at_the_same_moment_then_one_session_begins(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    made = await endpoint.makes()

    started = await asyncio.gather(*(endpoint.redeems(made.text) for _ in range(5)))

    assert len({each.session.id for each in started}) == 1
    assert len(world.storage.stored) == 1


async def test_given_a_reload_while_the_user_talks_then_the_same_session_is_joined(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    made = await endpoint.makes()
    started = await endpoint.redeems(made.text)
    room = str(started.session.room_name)
    world.user_joins(str(started.identity), room)
    await world.hears_all()
    world.agents_join(room)
    await world.hears_all()

    again = await endpoint.redeems(made.text)

    assert again.session.id == started.session.id
    assert len(world.agents(room)) == 1


@pytest.mark.parametrize("reason", [EndReason.ROOM_FINISHED, EndReason.ENDED_BY_CALLER])
@pytest.mark.parametrize("room", [None, "support-7"])
async def test_given_the_session_has_ended_then_the_ticket_is_used(
    world: PhoneWorld, endpoint: TokenEndpoint, reason: EndReason, room: str | None
) -> None:
    made = await endpoint.makes(room_name=room)
    started = await endpoint.redeems(made.text)
    await ends(world, started.session.room_name, reason)

    for _ in range(2):
        with pytest.raises(TicketUsed):
            await endpoint.redeems(made.text)
    assert len(world.storage.stored) == 1


async def test_given_no_user_came_then_the_session_does_not_count(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    token = TokenRequest(token_ttl_seconds=10)
    made = await endpoint.makes(ttl_seconds=900, token=token)
    first = await endpoint.redeems(made.text)
    world.clock.advance(10 * SECOND + JOIN_GRACE + 2 * INTERVAL)
    await world.looks_twice()
    assert world.session(str(first.session.room_name)).end_reason is EndReason.ABANDONED

    again = await endpoint.redeems(made.text)

    assert again.session.is_unused
    assert again.session.id != first.session.id


async def test_given_a_ticket_for_several_sessions_then_each_has_a_room_of_its_own(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    made = await endpoint.makes(max_sessions=3)
    rooms = []
    for _ in range(3):
        started = await endpoint.redeems(made.text)
        rooms.append(started.session.room_name)
        await ends(world, rooms[-1], EndReason.ROOM_FINISHED)

    assert len(set(rooms)) == 3
    with pytest.raises(TicketUsed):
        await endpoint.redeems(made.text)


async def test_given_a_request_that_fails_halfway_then_the_ticket_can_be_used_again(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    made = await endpoint.makes(ANN)
    for _ in range(3):  # as many as the tenant may have
        await endpoint.redeems((await endpoint.makes(ANN)).text)
    with pytest.raises(TooManySessions):
        await endpoint.redeems(made.text)
    oldest = min(world.storage.stored.values(), key=lambda session: session.age)
    await ends(world, oldest.room_name, EndReason.ROOM_FINISHED)

    assert (await endpoint.redeems(made.text)).session.is_unused


async def test_given_a_process_that_dies_at_any_step_then_the_next_request_begins_one_session() -> (
    None
):
    for after in range(20):
        world = PhoneWorld()
        endpoint = TokenEndpoint(world)
        made = await endpoint.makes()
        await world.steps.run([endpoint.redeems(made.text)], [0] * after + [-1])
        world.ledger._recorded.clear()

        started = await endpoint.redeems(made.text)

        assert [*world.storage.stored] == [started.session.id]


# How long it is good for, and for whom


async def test_a_ticket_expires(world: PhoneWorld, endpoint: TokenEndpoint) -> None:
    made = await endpoint.makes(ttl_seconds=30)
    assert made.ticket.expires_at == world.clock.now() + 30 * SECOND
    world.clock.advance(30 * SECOND - SECOND / 1000)
    started = await endpoint.redeems(made.text)
    world.clock.advance(SECOND)

    with pytest.raises(TicketExpired):
        await endpoint.redeems(made.text)
    assert started.session.join_until is not None
    assert started.session.join_until >= world.clock.now() + TOKEN_TTL - SECOND


async def test_a_ticket_that_the_service_did_not_write_is_refused(
    endpoint: TokenEndpoint,
) -> None:
    made = await endpoint.makes()
    other = HmacTicketSigner("another-secret")
    for text in (
        "tk_",
        made.text[:-1],
        made.text + "A",
        made.text[:-1] + ("A" if made.text[-1] != "A" else "B"),
        made.text.upper(),
        f" {made.text}",
        other.text(made.ticket.id),
        f"tk_{'0' * 32}_{made.text.split('_')[2]}",
        f"tk_{'é' * 32}_{'A' * 43}",
    ):
        with pytest.raises(TicketRefused):
            await endpoint.authenticate_ticket(text)


async def test_a_forged_ticket_asks_the_storage_nothing(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    world.storage.broken = True
    with pytest.raises(TicketRefused):
        await endpoint.authenticate_ticket(f"tk_{'0' * 32}_{'A' * 43}")


async def test_a_ticket_that_is_not_in_the_ledger_is_refused(endpoint: TokenEndpoint) -> None:
    unknown = TicketId("00000000-0000-7000-d000-000000000fff")
    with pytest.raises(TicketRefused):
        await endpoint.authenticate_ticket(endpoint.signer.text(unknown))


async def test_a_ticket_has_a_limit_of_its_own(endpoint: TokenEndpoint) -> None:
    made, other = await endpoint.makes(), await endpoint.makes()
    for _ in range(REQUESTS_PER_MINUTE):
        await endpoint.authenticate_ticket(made.text)
    with pytest.raises(RateLimited, match="with this ticket") as refused:
        await endpoint.authenticate_ticket(made.text)

    assert refused.value.retry_after >= 1
    await endpoint.authenticate_ticket(other.text)


async def test_another_tenants_room_is_not_joined(endpoint: TokenEndpoint) -> None:
    theirs = await endpoint.makes(BEN, room_name="support-7")
    await endpoint.redeems(theirs.text)
    made = await endpoint.makes(ANN, room_name="support-7")

    with pytest.raises(NotFound) as refused:
        await endpoint.redeems(made.text)

    assert refused.value.details["field"] == "room_name"


# Making one


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"user_identity": "a/b"}, "userIdentity"),
        ({"user_identity": "agent-AJ_x"}, "userIdentity"),
        ({"room_name": "a room"}, "roomName"),
        ({"agent_name": "stranger"}, "agentName"),
        ({"agent_name": AGENT, "agent": "x"}, "agentName"),
        ({"agent": "support"}, "agentId"),
        ({"variables": {"name": "Ann"}}, "variables"),
        ({"agent_config": {"llm": 5}}, "agentConfig.llm"),
        ({"token": TokenRequest(token_ttl_seconds=5)}, "tokenTtlSeconds"),
        ({"token": TokenRequest(participant_name="a\nb")}, "participantName"),
        ({"ttl_seconds": 4}, "ttlSeconds"),
        ({"ttl_seconds": 901}, "ttlSeconds"),
        ({"ttl_seconds": True}, "ttlSeconds"),
        ({"ttl_seconds": "60"}, "ttlSeconds"),
        ({"max_sessions": 0}, "maxSessions"),
        ({"max_sessions": 11}, "maxSessions"),
        ({"max_sessions": 1.0}, "maxSessions"),
    ],
)
async def test_what_is_wrong_with_a_ticket_is_named_when_it_is_made(
    world: PhoneWorld, endpoint: TokenEndpoint, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await endpoint.makes(**asked)
    assert refused.value.details["field"] == field
    with pytest.raises(InvalidInput):
        await endpoint.create_ticket_once(
            "key-1", CreateTicketCommand(access=ANN, **asked), lambda _: ""
        )
    assert not world.storage.memory.tickets._tickets


async def test_a_variable_without_a_value_is_named_when_the_ticket_is_made(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    agent_id = await saved(world, ANN)
    with pytest.raises(InvalidInput) as refused:
        await endpoint.makes(ANN, agent=agent_id)

    assert refused.value.details["field"] == "variables.name"


async def test_another_tenants_agent_is_not_found(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    agent_id = await saved(world, BEN, variables={"name": "you"})
    for access in (ANN, Access(tenant="ann")):
        with pytest.raises(NotFound):
            await endpoint.makes(access, agent=agent_id)


async def test_a_configuration_that_no_worker_could_get_is_refused(
    endpoint: TokenEndpoint,
) -> None:
    with pytest.raises(MetadataTooLarge):
        await endpoint.makes(agent_config={"prompt": "x" * 70_000})


async def test_given_configurations_are_not_kept_then_a_prompt_is_refused(
    world: PhoneWorld,
) -> None:
    waiting = attrs.evolve(world.await_user, keeps_configs=False)
    world.start_session = attrs.evolve(world.start_session, await_user=waiting)
    with pytest.raises(InvalidInput, match="STORE_AGENT_CONFIG"):
        await TokenEndpoint(world).makes(agent_config={"prompt": "Secret."})


async def test_a_key_that_may_only_read_makes_no_ticket(endpoint: TokenEndpoint) -> None:
    reader = attrs.evolve(ANN, scopes=frozenset({Scope.CALLS_READ}))
    with pytest.raises(Forbidden):
        await endpoint.makes(reader)


async def test_a_tenant_may_have_so_many_tickets_that_have_not_expired(
    world: PhoneWorld, endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create_ticket, "MAX_TICKETS", 2)
    for _ in range(2):
        await endpoint.makes(ANN)
    with pytest.raises(TooManyTickets) as refused:
        await endpoint.makes(ANN)
    assert refused.value.retry_after >= 1

    await endpoint.makes(BEN)
    world.clock.advance(60 * SECOND)
    await endpoint.makes(ANN)


async def test_given_the_same_idempotency_key_then_the_same_ticket_is_returned(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    command = CreateTicketCommand(user_identity="user-42", access=ANN)

    async def once(command: CreateTicketCommand) -> tuple[str, str, bool]:
        done = await endpoint.create_ticket_once("key-1", command, lambda one: str(one.id))
        return done.response, done.text, done.replayed

    first, again = await once(command), await once(command)

    assert (again, again[2]) == ((*first[:2], True), True)
    assert len(world.storage.memory.tickets._tickets) == 1
    assert first[1] not in repr(world.storage.memory.idempotency._rows)
    assert (await once(attrs.evolve(command, access=BEN)))[1] != first[1]
    for other in (
        attrs.evolve(command, user_identity="user-43"),
        attrs.evolve(command, user_identity=None),
        attrs.evolve(command, ttl_seconds=30),
        attrs.evolve(command, max_sessions=2),
        attrs.evolve(command, agent_name="receptionist"),
        attrs.evolve(command, token=TokenRequest(participant_name="Ann")),
    ):
        with pytest.raises(DomainError, match="used for another request"):
            await once(other)


async def test_given_a_process_that_dies_at_any_step_then_the_repetition_makes_one_ticket() -> None:
    command = CreateTicketCommand(access=ANN)
    for after in range(12):
        world = PhoneWorld()
        endpoint = TokenEndpoint(world)
        making = endpoint.create_ticket_once("key-1", command, lambda one: str(one.id))
        await world.steps.run([making], [0] * after + [-1])
        world.clock.advance(timedelta(minutes=2))

        await endpoint.create_ticket_once("key-1", command, lambda one: str(one.id))

        assert len(world.storage.memory.tickets._tickets) == 1


async def test_the_ledger_keeps_no_text_of_a_ticket(
    world: PhoneWorld, endpoint: TokenEndpoint
) -> None:
    made = await endpoint.makes()
    signature = made.text.split("_", 2)[2]

    assert signature not in repr(world.storage.memory.tickets._tickets)
    assert made.text.startswith("tk_")
