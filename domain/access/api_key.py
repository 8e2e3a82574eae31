"""API keys: what is presented, what is stored of it, and whose it is."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Final

import attrs

from domain.access.access import WORK, Access, Scope
from domain.shared.errors import InvalidInput

_KEY: Final = re.compile(r"(blk_[a-z2-7]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


def digest(key: str) -> str:
    """The SHA-256 of ``key``, hexadecimal.

    A key made here is 256 random bits, too many to guess: no slow hash is needed.
    """
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def prefix_of(key: str) -> str | None:
    """The part of a key made here that may be shown, and that it is found by; None for others."""
    parts = _KEY.fullmatch(key)
    return None if parts is None else parts[1]


def is_same(first: str, second: str) -> bool:
    """Return whether two digests are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(first, second)


@attrs.frozen(kw_only=True)
class FixedKey:
    """A key from the deployment's settings. It also sees records that belong to no tenant."""

    tenant: str
    digest: str

    @property
    def access(self) -> Access:
        """What it may do and see."""
        return Access(tenant=self.tenant, scopes=WORK, sees_unowned=True)


@attrs.frozen(kw_only=True)
class ApiKey:
    """A key that was made here, of which only the digest is kept. Times are UTC."""

    id: str
    tenant: str
    name: str
    prefix: str
    digest: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_usable(self, now: datetime) -> bool:
        """Whether it opens anything at ``now``."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def access(self) -> Access:
        """What it may do and see."""
        return Access(tenant=self.tenant, scopes=self.scopes, sees_unowned=False)


def parse_scopes(raw: list[str], field: str = "scope") -> frozenset[Scope]:
    """The scopes of these names. Raises :class:`~domain.shared.errors.InvalidInput`."""
    try:
        return frozenset(Scope(name) for name in raw)
    except ValueError:
        known = ", ".join(Scope)
        raise InvalidInput(
            f"{field} must be one of {known}.", field=field, example=Scope.CALLS_READ.value
        ) from None
