"""The port of publishable keys, on every storage."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM
from domain.access.api_key import digest
from domain.access.publishable_key import PublishableKey
from domain.access.publishable_keys import PublishableKeys
from domain.shared.errors import Conflict
from tests.contract.storage.ledgers import NOON, access_of, new_id


def new_key(**changes: object) -> PublishableKey:
    """A key that is not stored."""
    key_id = str(new_id())
    key = PublishableKey(
        id=key_id,
        tenant="ann",
        agent_name="receptionist",
        allowed_origins=("https://app.example.com", "http://localhost:*"),
        requests_per_minute=60,
        prefix=f"pk_{key_id[-12:]}",
        digest=digest(key_id),
        created_at=NOON,
    )
    return attrs.evolve(key, **changes)  # type: ignore[arg-type]


async def test_a_key_is_found_by_its_prefix_as_it_was_stored(
    publishable_keys: PublishableKeys,
) -> None:
    saved = new_key(agent_name=None, agent_id="01890a5d-ac96-774b-bcce-b302099a8057@3")
    for key in (new_key(), new_key(tenant=None), saved):
        await publishable_keys.add(key)
        assert await publishable_keys.find(key.prefix) == key
    assert await publishable_keys.find("pk_unknown") is None


async def test_a_prefix_is_taken_once(publishable_keys: PublishableKeys) -> None:
    key = new_key()
    await publishable_keys.add(key)
    with pytest.raises(Conflict):
        await publishable_keys.add(new_key(prefix=key.prefix))


async def test_a_tenant_s_keys_are_listed_the_newest_first(
    publishable_keys: PublishableKeys,
) -> None:
    first, other, unowned = new_key(), new_key(tenant="ben"), new_key(tenant=None)
    second = new_key(created_at=NOON + timedelta(seconds=1))
    for key in (first, second, other, unowned):
        await publishable_keys.add(key)

    assert await publishable_keys.list(access_of("ann")) == [second, first]
    assert len(await publishable_keys.list(SYSTEM)) == 4
    assert await publishable_keys.list(access_of(None)) == [unowned]


async def test_a_visible_key_is_removed(publishable_keys: PublishableKeys) -> None:
    key, unowned = new_key(), new_key(tenant=None)
    await publishable_keys.add(key)
    await publishable_keys.add(unowned)

    assert not await publishable_keys.remove(key.id, access_of("ben"))
    assert await publishable_keys.remove(key.id, access_of("ann"))
    assert not await publishable_keys.remove(key.id, SYSTEM)
    assert await publishable_keys.find(key.prefix) is None
    assert await publishable_keys.remove(unowned.id, access_of(None))
