"""Record what becomes known of a phone call."""

from __future__ import annotations

import attrs

from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import CallFact, LegDescribed
from domain.calls.repository import CallWork
from domain.rooms.sip_leg import SipLeg
from domain.shared.errors import Conflict
from domain.shared.ids import IdGenerator
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class RecordCallFact:
    """Apply facts to the call of a phone participant, which is created if there is none.

    Facts commute, so those that lose a race are applied to the version that won.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    ids: IdGenerator

    async def known(self, leg: SipLeg) -> Call | None:
        """Return the participant's call if the ledger has one. Raises ``StorageUnavailable``."""
        async with self.unit_of_work() as work:
            return await work.calls.of_participant(leg.room_sid, leg.participant_sid)

    async def __call__(self, leg: SipLeg, *facts: CallFact) -> Call:
        """Return the call after ``facts``, durable. Raises ``StorageUnavailable``."""
        return await self.on(await self.known(leg), leg, *facts)

    async def on(self, known: Call | None, leg: SipLeg, *facts: CallFact) -> Call:
        """Do the same without a read first: ``known`` was read a moment ago."""
        while True:
            try:
                return await self._attempt(known, leg, facts)
            except Conflict:  # another request has changed or created this call
                known = await self.known(leg)

    async def _attempt(self, known: Call | None, leg: SipLeg, facts: tuple[CallFact, ...]) -> Call:
        before = known or Call(id=self.ids.call_id(), leg=leg)
        call = apply(before, LegDescribed(leg), *facts)
        if call == known:
            return known
        async with self.unit_of_work() as work:
            if known is None:
                await work.calls.add(call)
            else:
                call = await work.calls.save(call)
            await work.commit()
        return call
