"""Sessions: the users' identities and tokens."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.rooms.token_options import LONGEST_OF_ALL, LONGEST_TOKEN_TTL, TOKEN_TTL
from domain.sessions.user_identity import IdentityCharset
from entrypoints.settings import parsers
from entrypoints.settings.variable import optional


def _identity_charset(raw: str) -> IdentityCharset:
    try:
        return IdentityCharset(raw.lower())
    except ValueError:
        known = " or ".join(IdentityCharset)
        raise ValueError(f"must be {known}, not '{parsers.shown(raw)}'.") from None


@attrs.frozen(kw_only=True, slots=False)
class SessionSettings:
    """Which identities users may have, and how long their tokens may be valid."""

    identity_charset: IdentityCharset = optional(
        "IDENTITY_CHARSET", _identity_charset, IdentityCharset.CONTRACT
    )
    max_token_ttl: timedelta = optional(
        "MAX_TOKEN_TTL_SECONDS",
        # No less than the token that a request gets which asks for no time.
        parsers.seconds(TOKEN_TTL.total_seconds(), LONGEST_OF_ALL.total_seconds()),
        LONGEST_TOKEN_TTL,
    )
