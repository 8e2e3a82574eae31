"""Sessions: the users' tokens."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.rooms.token_options import LONGEST_TOKEN_TTL, TOKEN_TTL
from entrypoints.settings import parsers
from entrypoints.settings.variable import optional

_A_DAY = 24 * 60 * 60


@attrs.frozen(kw_only=True, slots=False)
class SessionSettings:
    """How long the users' tokens may be valid."""

    max_token_ttl: timedelta = optional(
        "MAX_TOKEN_TTL_SECONDS",
        # No less than the token that a request gets which asks for no time.
        parsers.seconds(TOKEN_TTL.total_seconds(), 7 * _A_DAY),
        LONGEST_TOKEN_TTL,
    )
