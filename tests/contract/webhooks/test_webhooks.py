"""What the port says of webhooks, one sentence after another."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, Access
from domain.shared.errors import Conflict
from domain.shared.pagination import Cursor
from domain.webhooks.subscription import DisabledReason, Reach
from tests.contract.storage.ledgers import NOON, access_of
from tests.contract.webhooks.examples import SECRET, new_webhook

Ledger = MemoryStorage | SqlStorage
LATER = NOON + timedelta(hours=1)
ANN, BEN = access_of("ann"), access_of("ben")


async def test_a_webhook_is_read_as_it_was_stored(ledger: Ledger) -> None:
    webhook = attrs.evolve(
        new_webhook(events=("call.ended", "session.ended"), description="CRM"),
        previous_secrets=(SECRET, f"{SECRET}2"),
        previous_until=LATER,
        failing_since=NOON,
        after_position=2**40,
    ).disabled(DisabledReason.GONE, LATER)

    await ledger.webhooks.add(webhook)

    assert await ledger.webhooks.get(webhook.id, ANN) == webhook
    assert await ledger.webhooks.page(None, 10, ANN) == [webhook]
    assert await ledger.webhooks.all([], SYSTEM) == [webhook]
    assert await ledger.webhooks.count("ann") == 1
    assert await ledger.webhooks.count(None) == 0


async def test_a_change_is_stored_once(ledger: Ledger) -> None:
    webhook = new_webhook()
    await ledger.webhooks.add(webhook)
    changed = webhook.rotated(SECRET, LATER)

    stored = await ledger.webhooks.save(changed)

    assert stored == attrs.evolve(changed, revision=2)
    assert await ledger.webhooks.get(webhook.id, ANN) == stored
    with pytest.raises(Conflict):
        await ledger.webhooks.save(changed)


async def test_a_change_in_a_unit_of_work_is_stored_with_its_commit(ledger: Ledger) -> None:
    webhook = new_webhook()
    await ledger.webhooks.add(webhook)
    disabled = webhook.disabled(DisabledReason.FAILING, LATER)

    async with ledger.unit_of_work() as work:
        await work.webhooks.save(disabled)
        assert await ledger.webhooks.get(webhook.id, ANN) == webhook
        await work.commit()
    assert await ledger.webhooks.get(webhook.id, ANN) == attrs.evolve(disabled, revision=2)

    async with ledger.unit_of_work() as work:
        await work.webhooks.save(disabled)
        with pytest.raises(Conflict):
            await work.commit()


async def test_only_those_see_a_webhook_who_see_all_that_it_gets(ledger: Ledger) -> None:
    of_ann = new_webhook(reach=Reach(tenant="ann"))
    of_operator = new_webhook(reach=Reach(tenant="ann", sees_all=True))
    of_nobody = new_webhook(reach=Reach(sees_all=True))
    for webhook in (of_ann, of_operator, of_nobody):
        await ledger.webhooks.add(webhook)
    scopes = ANN.scopes
    narrow = Access(tenant="ann", scopes=scopes, sees_unowned=False)
    wide = Access(tenant="ann", scopes=scopes, sees_unowned=True)

    async def seen(access: Access) -> set[object]:
        found: set[object] = {one.id for one in await ledger.webhooks.page(None, 10, access)}
        for webhook in (of_ann, of_operator, of_nobody):
            is_seen = await ledger.webhooks.get(webhook.id, access) is not None
            assert is_seen == (webhook.id in found)
        return found

    assert await seen(wide) == {of_ann.id}
    assert await seen(narrow) == set()
    assert await seen(BEN) == set()
    assert await seen(SYSTEM) == {of_ann.id, of_operator.id, of_nobody.id}
    assert not await ledger.webhooks.delete(of_operator.id, wide)
    assert await ledger.webhooks.delete(of_operator.id, SYSTEM)


async def test_lists_are_in_order_of_age(ledger: Ledger) -> None:
    made = [new_webhook(created_at=NOON + timedelta(minutes=index)) for index in range(3)]
    for webhook in reversed(made):
        await ledger.webhooks.add(webhook)

    assert await ledger.webhooks.page(None, 2, ANN) == [made[2], made[1]]
    position = Cursor(made[1].created_at, made[1].id.value)
    assert await ledger.webhooks.page(position, 2, ANN) == [made[0]]


async def test_the_first_failure_is_noted_until_a_success(ledger: Ledger) -> None:
    webhook = new_webhook()
    await ledger.webhooks.add(webhook)

    await ledger.webhooks.note_failure(webhook.id, NOON)
    await ledger.webhooks.note_failure(webhook.id, LATER)
    failing = await ledger.webhooks.get(webhook.id, ANN)
    assert failing == attrs.evolve(webhook, failing_since=NOON, revision=2)

    await ledger.webhooks.note_success(webhook.id)
    await ledger.webhooks.note_success(webhook.id)
    assert await ledger.webhooks.get(webhook.id, ANN) == attrs.evolve(webhook, revision=3)


async def test_a_change_undoes_no_success_that_was_noted_since_it_was_read(ledger: Ledger) -> None:
    webhook = new_webhook()
    await ledger.webhooks.add(webhook)
    await ledger.webhooks.note_failure(webhook.id, NOON)
    found = await ledger.webhooks.get(webhook.id, ANN)
    assert found is not None
    await ledger.webhooks.note_success(webhook.id)

    with pytest.raises(Conflict):
        await ledger.webhooks.save(attrs.evolve(found, description="CRM"))
