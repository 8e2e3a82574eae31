"""The agent that a publishable key or a ticket is for."""

from __future__ import annotations

from collections.abc import Sequence

from domain.shared.errors import InvalidInput


def choose_agent_name(
    agent_name: str | None, agent_id: str | None, permitted: Sequence[str]
) -> str | None:
    """Return the agent's name, the first of ``permitted`` by default; None for a saved agent.

    Raises ``InvalidInput`` for both, or for a name that is not permitted.
    """
    if agent_id is not None:
        if agent_name is not None:
            raise InvalidInput(
                "agentName and agentId exclude each other: a saved agent has its own agentName.",
                field="agentName",
            )
        return None
    name = permitted[0] if agent_name is None else agent_name
    if name not in permitted:
        raise InvalidInput(
            "agentName must be AGENT_NAME or one of TOKEN_AGENT_NAMES.", field="agentName"
        )
    return name
