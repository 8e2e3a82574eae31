"""Record what becomes known of a phone call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from domain.access.access import SYSTEM
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import CallFact, LegDescribed
from domain.calls.repository import CallWork
from domain.rooms.sip_leg import SipLeg
from domain.shared.errors import Conflict
from domain.shared.identifiers import CallId, RoomName
from domain.shared.ids import IdGenerator
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class RecordCallFact:
    """Apply facts to the call of a phone participant, which is created if there is none.

    Facts commute, so those that lose a race are applied to the version that won. ``recorded``
    receives each call that this process has changed.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    ids: IdGenerator
    recorded: Callable[[Call], None] = lambda _: None

    async def known(self, leg: SipLeg) -> Call | None:
        """Return the participant's call if the ledger has one. Raises ``StorageUnavailable``."""
        async with self.unit_of_work() as work:
            return await work.calls.of_participant(leg.room_sid, leg.participant_sid, SYSTEM)

    async def get(self, call_id: CallId) -> Call | None:
        """Return the call with this id. Raises ``StorageUnavailable``."""
        async with self.unit_of_work() as work:
            return await work.calls.get(call_id, SYSTEM)

    async def __call__(self, leg: SipLeg, *facts: CallFact) -> Call:
        """Return the call after ``facts``, durable. Raises ``StorageUnavailable``."""
        return await self.on(await self.known(leg), leg, *facts)

    async def on(
        self, known: Call | None, leg: SipLeg, *facts: CallFact, owner: str | None = None
    ) -> Call:
        """Do the same without a read first: ``known`` was read a moment ago.

        A new call is ``owner``'s, the tenant of the number that was called, or the tenant's of the
        room's session.
        """
        described = (LegDescribed(leg), *facts)
        while True:
            try:
                if known is None:
                    return await self._add(leg, described, owner)
                return await self._save(known, described)
            except Conflict:  # another request has changed or created this call
                known = await self.known(leg)

    async def on_known(self, known: Call, *facts: CallFact) -> Call:
        """Return the call ``known``, which may have no leg yet, after ``facts``.

        Raises as above, and :class:`~domain.shared.errors.Conflict` if it was deleted meanwhile.
        """
        while True:
            try:
                return await self._save(known, facts)
            except Conflict:
                current = await self.get(known.id)
                if current is None:
                    raise
                known = current

    async def _add(self, leg: SipLeg, facts: Sequence[CallFact], owner: str | None) -> Call:
        async with self.unit_of_work() as work:
            # Its first event is shown to its tenant alone, before an agent serves the call.
            if owner is None:
                newest = await work.sessions.newest_in(RoomName(leg.room_name), SYSTEM)
                if newest is not None and newest.reserves(leg.room_sid, leg.joined_at):
                    owner = newest.tenant
            call = apply(Call(id=self.ids.call_id(), leg=leg, tenant=owner), *facts)
            await work.calls.add(call)
            await work.commit()
        self.recorded(call)
        return call.without_news()

    async def _save(self, known: Call, facts: Sequence[CallFact]) -> Call:
        call = apply(known, *facts)
        if call == known:
            return known
        async with self.unit_of_work() as work:
            call = await work.calls.save(call)
            await work.commit()
        self.recorded(call)
        return call
