"""A webhook is stored once for each idempotency key."""

from __future__ import annotations

import pytest

from domain.access.access import SYSTEM, Access, Scope
from domain.idempotency.idempotent_execution import LEASE, IdempotentExecution
from domain.shared.errors import Forbidden, InvalidInput, StorageUnavailable
from domain.shared.idempotency_errors import IdempotencyKeyReused
from domain.webhooks.add_webhook_once import AddWebhookOnce
from domain.webhooks.subscription import Webhook
from tests.unit.idempotency.lossy import LossyIdempotency
from tests.unit.webhooks.world import World

GIVEN = {"url": "https://example.com/a", "events": ["call.ended"]}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def idempotency() -> LossyIdempotency:
    return LossyIdempotency()


@pytest.fixture
def once(world: World, idempotency: LossyIdempotency) -> AddWebhookOnce:
    execution = IdempotentExecution(idempotency=idempotency, clock=world.clock, ids=world.ids)
    return AddWebhookOnce(idempotent_execution=execution, manage_webhooks=world.manage)


def id_of(webhook: Webhook) -> str:
    return str(webhook.id)


async def stored(world: World) -> list[str]:
    return [str(webhook.id) for webhook in (await world.manage.page(SYSTEM)).items]


async def test_a_repetition_gets_the_first_answer(once: AddWebhookOnce, world: World) -> None:
    first = await once("key", GIVEN, SYSTEM, id_of)
    again = await once("key", GIVEN, SYSTEM, id_of)

    assert (first.replayed, again.replayed) == (False, True)
    assert [first.text] == [again.text] == await stored(world)


async def test_given_an_attempt_that_was_interrupted_when_it_is_repeated_then_its_webhook_is_answered(  # noqa: E501 - its name
    once: AddWebhookOnce, world: World, idempotency: LossyIdempotency
) -> None:
    idempotency.is_down = True
    with pytest.raises(StorageUnavailable):
        await once("key", GIVEN, SYSTEM, id_of)
    idempotency.is_down = False
    created = await stored(world)
    world.clock.advance(2 * LEASE)  # of the key

    again = await once("key", GIVEN, SYSTEM, id_of)

    assert [again.text] == created == await stored(world)
    assert not again.replayed


async def test_what_is_refused_uses_up_no_key(once: AddWebhookOnce, world: World) -> None:
    reads = Access(tenant="ann", scopes=frozenset({Scope.WEBHOOKS_READ}))
    with pytest.raises(InvalidInput):
        await once("key", {"url": "https://example.com/a"}, SYSTEM, id_of)
    with pytest.raises(Forbidden):
        await once("key", GIVEN, reads, id_of)
    assert not await stored(world)

    await once("key", GIVEN, SYSTEM, id_of)

    with pytest.raises(IdempotencyKeyReused):
        await once("key", {**GIVEN, "events": ["*"]}, SYSTEM, id_of)
