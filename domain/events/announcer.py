"""What a storage needs to make events of the changes that it stores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from domain.events.domain_event import DomainEvent, EventKind, NewEvent, News
from domain.shared.clock import Clock
from domain.shared.identifiers import CallId, SessionId
from domain.shared.ids import IdGenerator
from domain.shared.timeline import Source


@attrs.frozen(kw_only=True)
class Announcer:
    """Makes the events of a unit of work.

    ``present`` returns a session, a call or a resource as the API shows it, as JSON text. An end
    that may still be corrected is announced after ``grace``. ``appended`` is called with the kinds
    of the events that a unit has committed.
    """

    ids: IdGenerator
    clock: Clock
    present: Callable[[Any], str]
    grace: timedelta
    appended: Callable[[Sequence[EventKind]], None] = lambda _kinds: None

    def announce_at(self, *, end_pending: bool) -> datetime | None:
        """Return when the end of what is stored now is announced; None if none is pending."""
        return self.clock.now() + self.grace if end_pending else None

    def events(  # noqa: PLR0913 - whose they are
        self,
        news: Iterable[News],
        resource: object,
        *,
        lane: str,
        tenant: str | None,
        session_id: SessionId | None,
        call_id: CallId | None,
    ) -> list[DomainEvent]:
        """Return the events of ``news`` about ``resource``, which is rendered once."""
        found = list(news)
        if not found:
            return []
        now, data = self.clock.now(), self.present(resource)
        return [
            DomainEvent(
                id=self.ids.event_id(),
                kind=one.kind,
                lane=lane,
                tenant=tenant,
                session_id=session_id,
                call_id=call_id,
                occurred_at=one.at,
                known_at=now,
                source=one.source,
                data=data,
            )
            for one in found
        ]

    def about(
        self, kind: EventKind, resource: object, *, lane: str, tenant: str | None
    ) -> DomainEvent:
        """Return the event of a change of ``resource``, which has just been made."""
        now = self.clock.now()
        return DomainEvent(
            id=self.ids.event_id(),
            kind=kind,
            lane=lane,
            tenant=tenant,
            session_id=None,
            call_id=None,
            occurred_at=now,
            known_at=now,
            source=Source.API,
            data=self.present(resource),
        )

    def event(self, new: NewEvent, lane: str | None) -> DomainEvent:
        """Return ``new`` with its name; without a ``lane`` it is in one of its own."""
        event_id = self.ids.event_id()
        return DomainEvent(
            id=event_id,
            kind=new.kind,
            lane=lane or event_id.value,
            tenant=new.tenant,
            session_id=new.session_id,
            call_id=new.call_id,
            occurred_at=new.occurred_at,
            known_at=self.clock.now(),
            source=new.source,
            data=new.text,
        )
