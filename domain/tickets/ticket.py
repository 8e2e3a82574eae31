"""A ticket: the right of one user to fetch tokens for what the ticket fixes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import attrs

from domain.access.access import Access, Scope
from domain.access.api_key import is_same
from domain.shared.identifiers import RoomName, TicketId

PREFIX: Final = "tk_"
_TEXT: Final = re.compile(
    r"tk_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[A-Za-z0-9_-]{43}",
    re.ASCII,
)


class TicketSigner(Protocol):
    """Writes the text of a ticket, which takes the service's secret."""

    def text(self, ticket_id: TicketId) -> str:
        """Return ``tk_``, the id's 32 digits, ``_`` and a signature; the same for the same id."""
        ...


def is_ticket(presented: str) -> bool:
    """Return whether a text is presented as a ticket."""
    return presented.startswith(PREFIX)


def ticket_of(presented: str, signer: TicketSigner) -> TicketId | None:
    """Return the id in a ticket's text; None for a text that ``signer`` has not written."""
    parts = _TEXT.fullmatch(presented)
    if parts is None:
        return None
    ticket_id = TicketId("-".join(parts.groups()))
    return ticket_id if is_same(signer.text(ticket_id), presented) else None


@attrs.frozen(kw_only=True)
class TicketTerms:
    """What a ticket fixes of each session and token, in JSON's types.

    ``agent`` is a version of a saved agent, ``id@version``. ``agent_name`` is the registration of
    the worker, also of a saved agent. None: not fixed.
    """

    user_identity: str
    agent_name: str
    agent: str | None = None
    variables: Mapping[str, Any] | None = None
    agent_config: Mapping[str, Any] | None = None
    room_name: str | None = None
    participant_name: str | None = None
    participant_metadata: str | None = None
    participant_attributes: Mapping[str, str] | None = None
    token_ttl_seconds: int | None = None
    sees_unowned: bool = False
    """Whether the maker of the ticket sees records that belong to no tenant."""

    @classmethod
    def stored(cls, text: str) -> TicketTerms:
        """Return the terms whose :attr:`text` this is. A later version may have written more."""
        known = {field.name for field in attrs.fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})

    @property
    def text(self) -> str:
        """Return the terms as JSON."""
        return json.dumps(attrs.asdict(self, recurse=False), separators=(",", ":"))


@attrs.frozen(kw_only=True)
class Ticket:
    """A ticket as the ledger keeps it, which is without its text. Times are UTC.

    ``sessions_begun`` counts the sessions of at most ``max_sessions``, the last of which began at
    ``begun_at`` or later.
    """

    id: TicketId
    tenant: str | None
    terms: TicketTerms
    max_sessions: int
    created_at: datetime
    expires_at: datetime
    sessions_begun: int = 0
    begun_at: datetime | None = None

    @property
    def access(self) -> Access:
        """Return what it permits: it starts sessions of the tenant and reads nothing."""
        scopes = frozenset({Scope.SESSIONS_WRITE})
        return Access(tenant=self.tenant, scopes=scopes, sees_unowned=self.terms.sees_unowned)

    @property
    def room_name(self) -> RoomName:
        """Return the room of the last session that was begun."""
        if self.terms.room_name is not None:
            return RoomName(self.terms.room_name)
        number = "" if self.sessions_begun <= 1 else f"-{self.sessions_begun}"
        return RoomName(f"room-{self.id}{number}")

    def begun(self, at: datetime) -> Ticket:
        """Return the ticket with one more session."""
        return attrs.evolve(self, sessions_begun=self.sessions_begun + 1, begun_at=at)
