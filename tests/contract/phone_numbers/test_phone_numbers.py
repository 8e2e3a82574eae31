"""What the port says of phone numbers, one sentence after another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import attrs
import pytest
import uuid_utils
from sqlalchemy import Connection, update

from adapters.sqlalchemy.phone_numbers import phone_numbers as table
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.repository import PhoneNumberRepository
from domain.shared.errors import Conflict, Unreadable
from domain.shared.identifiers import AgentId, PhoneNumberId
from domain.shared.pagination import Cursor
from tests.contract.storage.ledgers import NOON, access_of, opened

LATER = NOON + timedelta(hours=1)
ANN, BEN = access_of("ann"), access_of("ben")
NUMBER = "+15105550199"


def new_number(**changes: Any) -> PhoneNumber:
    """A number that is not stored."""
    values: dict[str, Any] = {
        "id": PhoneNumberId(str(uuid_utils.uuid7())),
        "number": NUMBER,
        "agent_id": AgentId(str(uuid_utils.uuid7())),
        "trunk_id": "ST_a",
        "webhook": PreCallWebhook(url="https://example.com/calls", secret="whsec_x"),
        "created_at": NOON,
        "updated_at": NOON,
        "tenant": "ann",
    }
    return PhoneNumber(**(values | changes))


@pytest.mark.parametrize("changes", [{}, {"trunk_id": None, "webhook": None, "tenant": None}])
async def test_a_number_is_read_as_it_was_stored(
    phone_numbers: PhoneNumberRepository, changes: dict[str, Any]
) -> None:
    number = new_number(**changes)

    await phone_numbers.add(number)

    assert await phone_numbers.get(number.id, SYSTEM) == number
    assert await phone_numbers.of_number(NUMBER, SYSTEM) == [number]
    assert await phone_numbers.of_number("+15105550198", SYSTEM) == []
    assert await phone_numbers.page(None, 10, SYSTEM) == [number]
    assert await phone_numbers.count(number.tenant) == 1


async def test_a_change_is_stored_once(phone_numbers: PhoneNumberRepository) -> None:
    number = new_number()
    await phone_numbers.add(number)
    changed = attrs.evolve(number, trunk_id=None, webhook=None, updated_at=LATER)

    stored = await phone_numbers.save(changed)

    assert stored == attrs.evolve(changed, revision=2)
    assert await phone_numbers.get(number.id, ANN) == stored
    with pytest.raises(Conflict):
        await phone_numbers.save(changed)
    await phone_numbers.delete(number.id, ANN)
    with pytest.raises(Conflict):
        await phone_numbers.save(stored)


@pytest.mark.parametrize("trunk", [None, "ST_a"])
async def test_a_trunk_has_a_number_once(
    phone_numbers: PhoneNumberRepository, trunk: str | None
) -> None:
    await phone_numbers.add(new_number(trunk_id=trunk))
    other = new_number(trunk_id="ST_b")
    await phone_numbers.add(other)

    with pytest.raises(Conflict):
        await phone_numbers.add(new_number(trunk_id=trunk))
    with pytest.raises(Conflict):
        await phone_numbers.save(attrs.evolve(other, trunk_id=trunk))
    assert await phone_numbers.get(other.id, ANN) == other


async def test_two_tenants_cannot_have_a_number_on_a_trunk_and_on_all(
    phone_numbers: PhoneNumberRepository,
) -> None:
    anns, bens = new_number(), new_number(trunk_id="ST_b", tenant="ben")
    await phone_numbers.add(anns)
    await phone_numbers.add(bens)

    for save in (
        phone_numbers.add(new_number(trunk_id=None)),
        phone_numbers.save(attrs.evolve(anns, trunk_id=None)),
        phone_numbers.save(attrs.evolve(anns, tenant="ben", trunk_id="ST_b")),
    ):
        with pytest.raises(Conflict):
            await save
    assert await phone_numbers.of_number(NUMBER, SYSTEM) == [anns, bens]
    await phone_numbers.delete(bens.id, BEN)
    await phone_numbers.save(attrs.evolve(anns, trunk_id=None))


async def test_of_two_tenants_changes_at_once_one_is_stored(sql_url: str) -> None:
    for turn in range(10):
        anns = new_number(number=f"+1510555{turn + 1000}")
        bens = attrs.evolve(new_number(trunk_id="ST_b", tenant="ben"), number=anns.number)
        async with opened(sql_url) as one, opened(sql_url) as other:
            await one.phone_numbers.add(anns)
            done = await asyncio.gather(
                one.phone_numbers.save(attrs.evolve(anns, trunk_id=None)),
                other.phone_numbers.add(bens),
                return_exceptions=True,
            )
            assert sum(isinstance(each, Conflict) for each in done) == 1, done
            stored = await one.phone_numbers.of_number(anns.number, SYSTEM)
        assert not any(each.excludes(other) for each in stored for other in stored)


async def test_other_tenants_see_nothing_of_it(phone_numbers: PhoneNumberRepository) -> None:
    number = new_number()
    await phone_numbers.add(number)

    assert await phone_numbers.get(number.id, BEN) is None
    assert await phone_numbers.of_number(NUMBER, BEN) == []
    assert await phone_numbers.page(None, 10, BEN) == []
    assert await phone_numbers.count("ben") == 0
    assert await phone_numbers.count(None) == 0
    assert not await phone_numbers.delete(number.id, BEN)
    assert await phone_numbers.get(number.id, ANN) == number


async def test_lists_are_in_order_of_age(phone_numbers: PhoneNumberRepository) -> None:
    made = [
        new_number(trunk_id=f"ST_{index}", created_at=NOON + timedelta(minutes=index))
        for index in range(3)
    ]
    for number in reversed(made):
        await phone_numbers.add(number)

    first = await phone_numbers.page(None, 2, ANN)

    assert first == [made[2], made[1]]
    position = Cursor(made[1].created_at, made[1].id.value)
    assert await phone_numbers.page(position, 2, ANN) == [made[0]]
    assert await phone_numbers.of_number(NUMBER, ANN) == made


async def test_a_deleted_number_leaves_nothing(phone_numbers: PhoneNumberRepository) -> None:
    number = new_number()
    await phone_numbers.add(number)

    assert await phone_numbers.delete(number.id, ANN)

    assert not await phone_numbers.delete(number.id, ANN)
    await phone_numbers.add(new_number())


async def test_of_entries_of_one_trunk_at_once_one_is_stored(
    phone_numbers: PhoneNumberRepository,
) -> None:
    results = await asyncio.gather(
        *(phone_numbers.add(new_number()) for _ in range(10)), return_exceptions=True
    )

    assert sum(isinstance(result, Conflict) for result in results) == 9
    assert len(await phone_numbers.of_number(NUMBER, SYSTEM)) == 1


async def test_given_a_row_that_this_version_cannot_read_then_the_error_names_it(
    sql_url: str,
) -> None:
    number = new_number()
    async with opened(sql_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        await ledger.phone_numbers.add(number)

        def spoil(connection: Connection) -> None:
            connection.execute(update(table).values(agent_id="x"))

        await ledger.database.transact(spoil, lock=("phone_numbers", number.id.value))

        with pytest.raises(Unreadable, match=str(number.id)):
            await ledger.phone_numbers.get(number.id, SYSTEM)
