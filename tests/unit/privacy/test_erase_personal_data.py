"""Erasing a person."""

from __future__ import annotations

import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.privacy.data_subject import DataSubject
from domain.privacy.erase_personal_data import ErasePersonalData
from domain.sessions.session_status import EndReason
from domain.shared.errors import Forbidden, StillLive
from domain.shared.identifiers import Identity
from tests.unit.worlds.world import World


async def test_who_still_talks_is_not_erased() -> None:
    world = World()
    await world.start("user-7")
    forget = ErasePersonalData(world.storage.memory.personal_data)
    person = DataSubject.with_identity("user-7")
    assert (await forget.look(person, SYSTEM)).live == 1

    with pytest.raises(StillLive, match="1 of their sessions and calls have not ended"):
        await forget(person, SYSTEM)
    assert world.session().identity == Identity("user-7")

    await world.ledger.save(world.session().ended(EndReason.ENDED_BY_CALLER, world.clock.now()))
    assert (await forget(person, SYSTEM)).all == 1
    assert (await forget.look(person, SYSTEM)).all == 0


async def test_a_key_without_the_scope_admin_erases_nothing() -> None:
    world = World()
    await world.start("user-7")
    erase = ErasePersonalData(world.storage.memory.personal_data)
    access = Access(tenant="ann", scopes=WORK)

    for request in (erase, erase.look):
        with pytest.raises(Forbidden, match="admin"):
            await request(DataSubject.with_identity("user-7"), access)
    assert world.session().identity == Identity("user-7")
