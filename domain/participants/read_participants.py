"""Show who is and was in the room of a session or a call."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from operator import itemgetter

import attrs

from domain.access.access import SYSTEM, Access
from domain.calls.repository import CallWork
from domain.participants.fold_stays import Listing, visible_within
from domain.participants.gather_facts import GatherFacts
from domain.participants.place import FindPlace, Place
from domain.participants.stay import Stay
from domain.rooms.rooms import Rooms
from domain.shared.clock import Clock
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitError
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page
from domain.shared.unit_of_work import UnitOfWorkFactory


class Gap(enum.StrEnum):
    """Why a participant may be missing, or be shown as in the room after having left."""

    LIVEKIT_UNREACHABLE = "livekit_unreachable"
    OLDER_WEBHOOKS = "older_webhooks"


@attrs.frozen
class Participants:
    """A page of stays in a room, the newest first.

    ``listed_at`` is when LiveKit listed the room; None where it was not asked, as everyone is known
    to have left, or did not answer.
    """

    room_name: RoomName
    page: Page[Stay]
    listed_at: datetime | None
    gaps: tuple[Gap, ...]


@attrs.frozen(kw_only=True)
class ReadParticipants:
    """Fold the room's webhooks, what LiveKit lists of a live room, and the ledger.

    Nothing is stored for it. Each method raises ``NotFound`` for a session or a call that is not
    visible, and ``StorageUnavailable``. That LiveKit does not answer is a gap, and no error.
    """

    find_place: FindPlace
    gather_facts: GatherFacts
    unit_of_work: UnitOfWorkFactory[CallWork]
    rooms: Rooms
    clock: Clock

    async def of_session(
        self,
        session_id: str,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Stay] | None = None,
    ) -> Participants:
        """Return those of the session's room, of those after ``after``."""
        place = await self.find_place.of_session(session_id, access)
        return await self._read(place, access, after, limit, capacity)

    async def of_call(
        self,
        call_id: str,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Stay] | None = None,
    ) -> Participants:
        """Return those of the call's room, of those after ``after``."""
        place = await self.find_place.of_call(call_id, access)
        return await self._read(place, access, after, limit, capacity)

    async def _read(
        self,
        place: Place,
        access: Access,
        after: Cursor | None,
        limit: int,
        capacity: Capacity[Stay] | None,
    ) -> Participants:
        gaps: set[Gap] = set()
        place = await self._with_instance(place, gaps)
        facts, is_cut = await self.gather_facts(place)
        if is_cut:
            gaps.add(Gap.OLDER_WEBHOOKS)
        listing, stays = None, None if place.is_live else facts.stays()
        if stays is None or any(stay.left is None for stay in stays):
            listing = await self._listing(place, gaps)
            stays = facts.stays(listing)
        ended_at = None if place.session is None else place.ended_at
        shown = [(stay.age, stay) for stay in visible_within(stays, place.since, ended_at)]
        shown.sort(key=itemgetter(0), reverse=True)

        async def read(after: Cursor | None, limit: int) -> list[Stay]:
            found: list[Stay] = []
            for age, stay in shown:
                if len(found) == limit:
                    break
                is_next = after is None or age < (after.created_at, after.id)
                if is_next and await self._is_visible(stay, place, access):
                    found.append(stay)
            return found

        page = await read_page(read, after, limit, capacity)
        listed_at = None if listing is None else listing.at
        return Participants(place.room_name, page, listed_at, tuple(sorted(gaps)))

    async def _with_instance(self, place: Place, gaps: set[Gap]) -> Place:
        """Return a live place with the room instance that it is in now."""
        if place.room_sid is None and place.is_live:
            with _noted(gaps):
                room = await self.rooms.find(place.room_name)
                return place if room is None else attrs.evolve(place, room_sid=room.sid)
        return place

    async def _listing(self, place: Place, gaps: set[Gap]) -> Listing | None:
        """Return whom LiveKit lists. It is asked after the webhooks were read, so it knows more."""
        if gaps & {Gap.LIVEKIT_UNREACHABLE}:
            return None
        with _noted(gaps):
            room = await self.rooms.find(place.room_name)
            if room is None or room.sid != place.room_sid:
                return Listing(place.room_sid or "", self.clock.now())
            participants = await self.rooms.participants(room)
            return Listing(room.sid, self.clock.now(), participants)
        return None

    async def _is_visible(self, stay: Stay, place: Place, access: Access) -> bool:
        """Whether the reader may see it: another tenant's call may be in the same room."""
        if access.tenants is None:
            return True
        if stay.participant.leg is None:
            return place.shows_all
        sid = stay.participant.sid
        async with self.unit_of_work() as work:
            call = await work.calls.of_participant(stay.room_sid, sid, SYSTEM)
        return place.shows_all if call is None else access.sees(call.tenant)


@contextmanager
def _noted(gaps: set[Gap]) -> Iterator[None]:
    try:
        yield
    except LiveKitError:
        gaps.add(Gap.LIVEKIT_UNREACHABLE)
