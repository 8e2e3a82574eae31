"""Write down what is told of a phone call."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from domain.call import Call, PhoneLeg
from domain.errors import Conflict
from domain.ports.ids import IdGenerator
from domain.ports.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class RecordCall:
    """Applies a fact to the call of a phone participant, which is made if there is none.

    Facts commute, so one that loses a race is applied to what won.
    """

    unit_of_work: UnitOfWorkFactory
    ids: IdGenerator

    async def __call__(
        self, leg: PhoneLeg, fact: Callable[[Call], Call], known: Call | None = None
    ) -> Call:
        """The call with ``fact`` applied, durable. Raises ``StorageUnavailable``.

        ``known`` is the call as it was read a moment ago, if it was.
        """
        while True:
            try:
                return await self._attempt(leg, fact, known)
            except Conflict:  # somebody else has made progress with this call
                known = None

    async def _attempt(
        self, leg: PhoneLeg, fact: Callable[[Call], Call], known: Call | None
    ) -> Call:
        async with self.unit_of_work() as work:
            if known is None:
                known = await work.calls.of_participant(leg.room_sid, leg.participant_sid)
            if known is None:
                call = fact(Call(id=self.ids.call_id(), leg=leg))
                await work.calls.add(call)
                await work.commit()
                return call
            call = fact(known)
            if call == known:
                return known
            await work.calls.save(call)
            await work.commit()
            return call.stored()
