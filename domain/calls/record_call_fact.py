"""Write down what is told of a phone call."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from domain.access.access import SYSTEM
from domain.calls.call import Call
from domain.calls.repository import CallWork
from domain.rooms.sip_leg import SipLeg
from domain.shared.errors import Conflict
from domain.shared.ids import IdGenerator
from domain.shared.unit_of_work import UnitOfWorkFactory

Fact = Callable[[Call], Call]


@attrs.frozen(kw_only=True)
class RecordCallFact:
    """Applies a fact to the call of a phone participant, which is made if there is none.

    Facts commute, so one that loses a race is applied to what won.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    ids: IdGenerator

    async def known(self, leg: SipLeg) -> Call | None:
        """The participant's call, if the ledger has one. Raises ``StorageUnavailable``."""
        async with self.unit_of_work() as work:
            return await work.calls.of_participant(leg.room_sid, leg.participant_sid, SYSTEM)

    async def __call__(self, leg: SipLeg, fact: Fact) -> Call:
        """The call with ``fact`` applied, durable. Raises ``StorageUnavailable``."""
        return await self.on(await self.known(leg), leg, fact)

    async def on(self, known: Call | None, leg: SipLeg, fact: Fact) -> Call:
        """The same without reading first: ``known`` is what was read a moment ago."""
        while True:
            try:
                return await self._attempt(known, leg, fact)
            except Conflict:  # somebody else has made progress with this call
                known = await self.known(leg)

    async def _attempt(self, known: Call | None, leg: SipLeg, fact: Fact) -> Call:
        if known is None:
            call = fact(Call(id=self.ids.call_id(), leg=leg))
        else:
            call = fact(known.described_by(leg))
        if call == known:
            return known
        async with self.unit_of_work() as work:
            if known is None:
                await work.calls.add(call)
            else:
                call = await work.calls.save(call)
            await work.commit()
        return call
