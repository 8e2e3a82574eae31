"""A phone number is stored once for each idempotency key."""

from __future__ import annotations

import pytest

from domain.idempotency.idempotent_execution import LEASE, IdempotentExecution
from domain.phone_numbers.add_phone_number_once import AddPhoneNumberOnce
from domain.phone_numbers.phone_number import PhoneNumber
from domain.shared.errors import Forbidden, InvalidInput, StorageUnavailable
from domain.shared.idempotency_errors import IdempotencyKeyReused
from tests.unit.idempotency.lossy import LossyIdempotency
from tests.unit.phone_numbers.numbers import ADMIN, ANN, ANNS, BENS, given, new_manage
from tests.unit.worlds.fakes import FakeClock, SequentialIds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def idempotency() -> LossyIdempotency:
    return LossyIdempotency()


async def once(idempotency: LossyIdempotency, clock: FakeClock) -> AddPhoneNumberOnce:
    execution = IdempotentExecution(idempotency=idempotency, clock=clock, ids=SequentialIds())
    return AddPhoneNumberOnce(
        idempotent_execution=execution, manage_phone_numbers=await new_manage()
    )


def id_of(number: PhoneNumber) -> str:
    return str(number.id)


async def test_a_repetition_gets_the_first_answer(
    idempotency: LossyIdempotency, clock: FakeClock
) -> None:
    add = await once(idempotency, clock)

    first = await add("key", given(), ADMIN, id_of)
    again = await add("key", given(number="+1 510 555 0199"), ADMIN, id_of)

    assert (first.replayed, again.replayed) == (False, True)
    assert first.text == again.text
    with pytest.raises(IdempotencyKeyReused):
        await add("key", given(BENS), ADMIN, id_of)


async def test_given_an_attempt_that_was_interrupted_when_it_is_repeated_then_its_number_is_answered(  # noqa: E501 - its name
    idempotency: LossyIdempotency, clock: FakeClock
) -> None:
    add = await once(idempotency, clock)
    idempotency.is_down = True
    with pytest.raises(StorageUnavailable):
        await add("key", given(), ADMIN, id_of)
    idempotency.is_down = False
    clock.advance(2 * LEASE)  # of the key

    again = await add("key", given(), ADMIN, id_of)

    (stored,) = (await add.manage_phone_numbers.page(ADMIN)).items
    assert (again.text, again.replayed) == (str(stored.id), False)


async def test_what_is_refused_uses_up_no_key(
    idempotency: LossyIdempotency, clock: FakeClock
) -> None:
    add = await once(idempotency, clock)
    with pytest.raises(InvalidInput):
        await add("key", given(number="12"), ADMIN, id_of)
    with pytest.raises(Forbidden):
        await add("key", given(), ANN, id_of)

    assert not (await add("key", given(ANNS), ADMIN, id_of)).replayed
