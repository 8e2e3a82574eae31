"""A change that no domain event announces, and whom it concerns."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.webhooks.manage_webhooks import READS
from domain.webhooks.subscription import Reach

Room = tuple[str, str]
"""A room's name, and the sid of its instance."""


class Area(enum.StrEnum):
    """What clients show that changes without a domain event.

    The last use of an API key, the attempts of deliveries, the processing of LiveKit's webhooks,
    and who is in a room.
    """

    API_KEYS = "api_keys"
    DELIVERIES = "deliveries"
    INBOX = "inbox"
    PARTICIPANTS = "participants"


_READERS: Final = {
    Area.API_KEYS: (Scope.ADMIN,),
    Area.DELIVERIES: READS,
    Area.INBOX: (Scope.ADMIN,),
    Area.PARTICIPANTS: (Scope.CALLS_READ,),
}
_OF_SESSIONS: Final = frozenset({Area.PARTICIPANTS})


def readable_areas(access: Access, *, resources: bool = True) -> frozenset[Area]:
    """Return the areas that ``access`` may read; without ``resources`` those of sessions only."""
    areas = frozenset(
        area for area, scopes in _READERS.items() if any(access.may(scope) for scope in scopes)
    )
    return areas if resources else areas & _OF_SESSIONS


@attrs.frozen(kw_only=True)
class Change:
    """A record's latest change; ``key`` differs for each change of each record.

    ``reach`` is that of a delivery's webhook, ``room`` the room of one of LiveKit's webhooks.
    """

    area: Area
    key: tuple[str | int | datetime, ...]
    at: datetime
    reach: Reach | None = None
    room: Room | None = None


class News:
    """What has changed since the last look. ``owners`` are the tenants that have the rooms."""

    def __init__(self, changes: Iterable[Change], owners: Collection[str | None] = ()) -> None:
        self._areas: set[Area] = set()
        self._owners = frozenset(owners)
        self._reaches: dict[str | None, set[Reach]] = {}
        for change in changes:
            self._areas.add(change.area)
            if change.room is not None:
                self._areas.add(Area.PARTICIPANTS)
            if change.reach is not None:
                self._reaches.setdefault(change.reach.tenant, set()).add(change.reach)

    def areas_of(self, access: Access) -> frozenset[Area]:
        """Return the areas in which something has changed that ``access`` may see."""
        areas = readable_areas(access) & self._areas
        if access.tenants is None:
            return areas
        reaches = self._reaches.get(access.tenant, ())
        if not any(reach.is_visible_to(access) for reach in reaches):
            areas -= {Area.DELIVERIES}
        if self._owners.isdisjoint(access.tenants):
            areas -= {Area.PARTICIPANTS}
        return areas
