"""Which identities users may have: the contract's, or whatever LiveKit takes."""

from __future__ import annotations

import unicodedata
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.rooms.sip_leg import Direction
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.start_session import StartSessionCommand
from domain.sessions.user_identity import IdentityCharset, UserIdentities
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, Identity
from tests.unit.worlds.world import ROOM, World

CONTRACT = UserIdentities()
ANY = UserIdentities(charset=IdentityCharset.ANY)
OF_TODAY = [
    "ann@example.com",
    "ann+tag@example.com",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "+15105550100",
    "sip_+15105550100",
    "José",
    "Jose\N{COMBINING ACUTE ACCENT}",
    "田中\N{IDEOGRAPHIC SPACE}太郎",
    "مريم",
    "👩‍🚀",
    'O\'Brien "Bob" \\ 100% a/b?c=d&e#f;g',
    "agent",
    "agent-42",
    "é" * 128,
    "x" * 256,
]


@pytest.mark.parametrize("name", OF_TODAY)
def test_given_any_then_the_names_of_today_s_users_are_kept_as_they_are(name: str) -> None:
    assert ANY.parse(f" {name}\t").value == name


@pytest.mark.parametrize("name", OF_TODAY)
def test_given_contract_then_the_error_names_the_rule_and_the_other_one(name: str) -> None:
    if name in ("agent", "agent-42"):
        assert CONTRACT.parse(name).value == name
        return
    with pytest.raises(InvalidInput) as caught:
        CONTRACT.parse(name)

    assert str(caught.value) == (
        "userIdentity must be 1 to 128 characters of A-Z, a-z, 0-9, '_' and '-'. That is the rule "
        "of IDENTITY_CHARSET=contract; IDENTITY_CHARSET=any also takes e-mail addresses and any "
        "other name that LiveKit takes."
    )
    assert caught.value.details == {"field": "userIdentity", "example": "user-42"}


NONE: list[Any] = [
    *("", " ", "\N{IDEOGRAPHIC SPACE}", "a\nb", "a\0b", "a\x1bb", "a\x7fb", "a\x85b", "a\x9bb"),
    *("x" * 257, "é" * 129, "\ud800", "a\udfffb", None, 7, True, b"a", ["a"]),
]


@pytest.mark.parametrize("wrong", NONE, ids=ascii)
def test_given_any_then_what_livekit_does_not_take_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="IDENTITY_CHARSET=any") as caught:
        ANY.parse(wrong)

    assert caught.value.details == {"field": "userIdentity", "example": "user-42"}
    assert "1 to 256 bytes of UTF-8 without control characters" in str(caught.value)


def is_taken(text: str) -> bool:
    """Whether the text is 1 to 256 bytes of UTF-8 without control characters."""
    categories = {unicodedata.category(char) for char in text}
    return not categories & {"Cc", "Cs"} and 1 <= len(text.encode()) <= 256


@given(st.text(st.characters(), max_size=300) | st.text(st.characters(codec="utf-8")))
def test_given_any_text_then_it_is_kept_to_the_letter_or_refused(text: str) -> None:
    try:
        identity = ANY.parse(text)
    except InvalidInput:
        assert not is_taken(text.strip()) or text.strip().startswith("agent-AJ_")
    else:
        assert is_taken(identity.value)
        assert identity.value == text.strip()


@given(st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True))
def test_given_a_name_of_the_contract_then_both_rules_take_it(name: str) -> None:
    if not name.startswith("agent-AJ_"):
        assert CONTRACT.parse(name) == ANY.parse(name) == Identity(name)


@pytest.mark.parametrize("rule", [CONTRACT, ANY])
def test_given_an_identity_like_an_agent_s_then_it_is_refused(rule: UserIdentities) -> None:
    """LiveKit removes a participant when another one joins with the same identity."""
    with pytest.raises(InvalidInput, match="must not begin with 'agent-AJ_'"):
        rule.parse(" agent-AJ_v3Zq7cY8tQwE")


async def test_given_the_agent_s_own_identity_then_no_token_is_signed() -> None:
    world = World()
    started = await world.start()
    world.livekit.agents_join(ROOM)
    await world.start("user-2")  # the ledger sees the agent
    agent = world.session().agent_identity
    assert agent is not None

    with pytest.raises(InvalidInput, match="session's agent"):
        await world.start(agent)

    assert world.session().id == started.session.id


async def test_given_the_agent_joined_as_the_user_then_a_repetition_signs_no_token() -> None:
    world = World()
    command = StartSessionCommand("worker-1", ROOM, access=SYSTEM)
    await world.start_once(command=command)
    await world.ledger.settled()
    await world.ledger.save(attrs.evolve(world.session(), agent_identity="worker-1"))

    with pytest.raises(InvalidInput, match="session's agent"):
        await world.start_once(command=command)


async def test_given_the_room_of_a_call_then_no_user_is_called_as_its_caller_may_be() -> None:
    world = World()
    await world.start()
    call = PhoneCorrelation(
        call_id=CallId("00000000-0000-7000-8000-000000000999"), direction=Direction.INBOUND
    )
    await world.ledger.save(attrs.evolve(world.session(), phone=call))

    with pytest.raises(InvalidInput, match="must not begin with 'sip_' in the room of a phone"):
        await world.start("sip_15105550100")
    assert (await world.start("supervisor")).token


async def test_given_two_identities_then_they_never_share_a_room_that_neither_named() -> None:
    """A room's name is not made of an identity, so that none can be mistaken for another."""
    world = World()
    world.start_session = attrs.evolve(world.start_session, identities=ANY)

    rooms = [(await world.start(name, None)).session.room_name for name in OF_TODAY[:3]]

    assert len(set(rooms)) == 3
    assert all(str(room).startswith("room-") for room in rooms)


async def test_given_two_normal_forms_then_they_are_two_requests() -> None:
    """LiveKit compares bytes: it sees two participants."""
    composed, decomposed = OF_TODAY[5:7]
    start = attrs.evolve(World().start_session, identities=ANY)

    one, other = (
        start.fingerprint(StartSessionCommand(name, ROOM, access=SYSTEM))
        for name in (composed, decomposed)
    )

    assert unicodedata.normalize("NFC", decomposed) == composed
    assert one != other
