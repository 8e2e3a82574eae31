"""The errors of saved agents."""

from __future__ import annotations

from domain.shared.errors import DomainError


class AgentNameTaken(DomainError):
    """The tenant has another saved agent with this name."""

    code = "agent_name_taken"
    status = 409
    is_refusal = True


class AgentChanged(DomainError):
    """The saved agent has another version than the caller expects, or is being changed."""

    code = "agent_changed"
    status = 409


class AgentLimitReached(DomainError):
    """The tenant has as many saved agents, or the agent as many versions, as it may have."""

    code = "agent_limit_reached"
    status = 409
    is_refusal = True
