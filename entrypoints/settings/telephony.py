"""Phone calls."""

from __future__ import annotations

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional


@attrs.frozen(kw_only=True, slots=False)
class TelephonySettings:
    """Which participants are phones, and whether they become calls."""

    telephony_enabled: bool = optional("TELEPHONY_ENABLED", parsers.boolean, default=False)
    sip_identity_prefix: str = optional("TELEPHONY_SIP_IDENTITY_PREFIX", parsers.text, "sip_")
    dispatch_on_any_join: bool = optional(
        "TELEPHONY_DISPATCH_ON_ANY_PARTICIPANT_JOIN", parsers.boolean, default=False
    )
    call_looks_per_second: int = optional(
        "TELEPHONY_LOOKS_PER_SECOND", parsers.whole(0, 1000), default=10
    )
    trunk_ignore: tuple[str, ...] = optional("TRUNK_IGNORE", parsers.patterns, ())
