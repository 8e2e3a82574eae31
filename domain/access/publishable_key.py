"""Publishable keys: what a web page may show to everyone, because it opens nothing but tokens."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.access.client_grant import ClientGrant

PREFIX: Final = "pk_"
_KEY: Final = re.compile(r"(pk_[a-z2-7]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


def is_publishable(presented: str) -> bool:
    """Return whether a text has the form of a publishable key; others have ``pk_…`` too."""
    return _KEY.fullmatch(presented) is not None


def publishable_prefix(text: str) -> str | None:
    """Return the part of a key that it is found by; None for what is no such key."""
    parts = _KEY.fullmatch(text)
    return None if parts is None else parts[1]


def access_of(tenant: str | None) -> Access:
    """Return the access of a tenant's key: it starts sessions and reads nothing."""
    scopes = frozenset({Scope.SESSIONS_WRITE})
    return Access(tenant=tenant, scopes=scopes, sees_unowned=False)


@attrs.frozen(kw_only=True)
class PublishableKey:
    """A key for the pages of ``allowed_origins``, of which only the digest is kept.

    It is for the agent of ``agent_name``, or for the saved agent ``agent_id`` (``id`` or
    ``id@version``); the other one is None.
    """

    id: str
    tenant: str | None
    agent_name: str | None
    agent_id: str | None = None
    allowed_origins: tuple[str, ...]
    requests_per_minute: int
    prefix: str
    digest: str
    created_at: datetime

    @property
    def grant(self) -> ClientGrant:
        """What it permits. It reads nothing: no route but the token endpoint takes it."""
        access = access_of(self.tenant)
        return ClientGrant(access=access, agent_name=self.agent_name, agent_id=self.agent_id)
