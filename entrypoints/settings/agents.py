"""The agent that is dispatched."""

from __future__ import annotations

from datetime import timedelta

import attrs

from application.settings import DEFAULT_AGENT_NAME
from entrypoints.settings import parsers
from entrypoints.settings.variable import optional


def _agent_name(raw: str) -> str:
    if len(raw) > 128 or not raw.isprintable():
        raise ValueError("must be 1 to 128 printable characters: the worker's registered name.")
    return raw


@attrs.frozen(kw_only=True, slots=False)
class AgentSettings:
    """The agent that is dispatched."""

    agent_name: str = optional("AGENT_NAME", _agent_name, DEFAULT_AGENT_NAME)
    agent_join_timeout: timedelta = optional(
        "AGENT_JOIN_TIMEOUT_SECONDS", parsers.seconds(1, 3600), timedelta(seconds=60)
    )
    store_agent_config: bool = optional("STORE_AGENT_CONFIG", parsers.boolean, default=True)
    on_join_grace: timedelta = optional(
        "ON_JOIN_GRACE_SECONDS", parsers.seconds(60, 86400), timedelta(minutes=2)
    )
