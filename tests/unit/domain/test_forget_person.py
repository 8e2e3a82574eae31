"""Erasing a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput, StillLive
from domain.identifiers import Identity
from domain.person import Person
from domain.session import EndReason
from domain.use_cases.forget_person import ForgetPerson
from tests.unit.domain.world import World


async def test_who_still_talks_is_not_erased() -> None:
    world = World()
    await world.start("user-7")
    forget = ForgetPerson(world.storage.memory.records)
    person = Person.with_identity("user-7")
    assert (await forget.look(person)).live == 1

    with pytest.raises(StillLive, match="1 of their sessions and calls have not ended"):
        await forget(person)
    assert world.session().identity == Identity("user-7")

    await world.ledger.save(world.session().ended(EndReason.ENDED_BY_CALLER, world.clock.now()))
    assert (await forget(person)).all == 1
    assert (await forget.look(person)).all == 0


@given(
    st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    st.sampled_from(["", "+", "00", "0"]),
    st.text(alphabet=' :/"@_-+.sip', max_size=4),
    st.text(alphabet=' :/"@_-.x', max_size=4),
)
def test_a_number_is_found_however_it_is_led_and_followed(
    digits: str, lead: str, before: str, after: str
) -> None:
    person = Person.with_number(f"+{digits}")

    assert person.is_in(f"{before}{lead}{digits}{after}")
    assert not person.is_in(f"{before}{digits}1")
    assert not person.is_in(f"{before}2{digits}")
    assert not person.is_in(None)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True))
def test_an_identity_is_found_as_a_word_of_its_own(identity: str) -> None:
    person = Person.with_identity(identity)

    assert person.is_in(f'{{"identity":"{identity}"}}')
    assert not person.is_in(f"{identity}x")
    assert not person.is_in(f"-{identity}")


@pytest.mark.parametrize("number", ["", "123456", "1" * 16, "none"])
def test_a_number_must_be_one(number: str) -> None:
    with pytest.raises(InvalidInput):
        Person.with_number(number)


@pytest.mark.parametrize("identity", ["", " ", "a\nb"])
def test_an_identity_must_be_one(identity: str) -> None:
    with pytest.raises(InvalidInput):
        Person.with_identity(identity)
