"""Erasing a person."""

from __future__ import annotations

import pytest

from domain.privacy.data_subject import DataSubject
from domain.privacy.erase_personal_data import ErasePersonalData
from domain.sessions.session_status import EndReason
from domain.shared.errors import StillLive
from domain.shared.identifiers import Identity
from tests.unit.domain.world import World


async def test_who_still_talks_is_not_erased() -> None:
    world = World()
    await world.start("user-7")
    forget = ErasePersonalData(world.storage.memory.records)
    person = DataSubject.with_identity("user-7")
    assert (await forget.look(person)).live == 1

    with pytest.raises(StillLive, match="1 of their sessions and calls have not ended"):
        await forget(person)
    assert world.session().identity == Identity("user-7")

    await world.ledger.save(world.session().ended(EndReason.ENDED_BY_CALLER, world.clock.now()))
    assert (await forget(person)).all == 1
    assert (await forget.look(person)).all == 0
