"""Learn from LiveKit that calls ring and are answered, of which it sends no webhook."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.access.access import SYSTEM
from domain.calls.assign_agent import LISTED_WITHIN
from domain.calls.call_facts import LegDescribed, ParticipantSeen
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.repository import CallFilter, CallWork
from domain.calls.unanswered_calls import LONGEST, UNANSWERED, UnansweredCalls, WatchedRoom
from domain.rooms.rooms import Rooms
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.identifiers import CallId
from domain.shared.pagination import MAX_LIMIT, Span
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class WatchAnswers:
    """Look at the rooms of unanswered calls: one ListParticipants each, and no statement.

    Only what changed is recorded. A call that LiveKit does not list is left to its webhook and the
    reconciler, since one answer ends nothing.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    rooms: Rooms
    record_call_fact: RecordCallFact
    calls: UnansweredCalls
    clock: Clock

    async def take_up(self) -> None:
        """Watch the unanswered calls in the ledger, which another process may have watched.

        Raises ``StorageUnavailable``.
        """
        lately = Span(since=self.clock.now() - LONGEST)
        async with self.unit_of_work() as work:
            for status in UNANSWERED:
                wanted = CallFilter(status=status, created=lately)
                for call in await work.calls.page(wanted, None, MAX_LIMIT, SYSTEM):
                    self.calls.note(call)

    async def look(self, watched: WatchedRoom) -> list[LegStatus]:
        """Record what is news of the calls in this room, and return it.

        Raises ``LiveKitError`` or ``StorageUnavailable``.
        """
        calls = [*watched.calls.items()]  # of one that ends meanwhile, an answer is news too
        participants = await self.rooms.participants(watched.room)
        seen_at, now = self.clock.now(), self.clock.monotonic()
        listed = {who.leg.participant_sid: who for who in participants if who.leg is not None}
        news = []
        for sid, call in calls:
            caller = listed.get(sid)
            if caller is None or caller.leg is None:
                if timedelta(seconds=now - call.noted_at) >= LISTED_WITHIN:
                    watched.calls.pop(sid, None)
            elif call.learns_from(caller.leg_status):
                seen = ParticipantSeen(caller.leg_status, seen_at, Source.RECONCILER)
                if await self._record(call.id, caller.leg, seen):
                    news.append(caller.leg_status or LegStatus.ACTIVE)
                else:
                    watched.calls.pop(sid, None)
        return news

    async def _record(self, call_id: CallId, leg: SipLeg, seen: ParticipantSeen) -> bool:
        """Record what was seen; return False where the ledger does not have the call any more."""
        call = await self.record_call_fact.get(call_id)
        if call is None:
            return False
        try:
            call = await self.record_call_fact.on_known(call, LegDescribed(leg), seen)
        except Conflict:  # deleted meanwhile, or the ledger was replaced by a backup
            return False
        self.calls.note(call)  # also where the ledger knew it already
        return True
