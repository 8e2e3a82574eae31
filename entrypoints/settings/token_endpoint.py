"""What clients may choose of the tokens that they fetch."""

from __future__ import annotations

import attrs

from entrypoints.settings import parsers
from entrypoints.settings.variable import optional


@attrs.frozen(kw_only=True, slots=False)
class TokenEndpointSettings:
    """The names, and for keys and attributes the patterns, that are permitted in a request."""

    token_agent_names: tuple[str, ...] = optional("TOKEN_AGENT_NAMES", parsers.names, ())
    token_agent_metadata: tuple[str, ...] = optional("TOKEN_AGENT_METADATA", parsers.patterns, ())
    token_participant_metadata: tuple[str, ...] = optional(
        "TOKEN_PARTICIPANT_METADATA", parsers.patterns, ()
    )
    token_participant_attributes: tuple[str, ...] = optional(
        "TOKEN_PARTICIPANT_ATTRIBUTES", parsers.patterns, ()
    )
