"""Saved agents."""

from __future__ import annotations

from dependency_injector import containers, providers

from domain.agents.apply_agent import ApplyAgent
from domain.agents.create_agent_once import CreateAgentOnce
from domain.agents.manage_agents import ManageAgents
from domain.agents.use_agent import UseAgent
from entrypoints.container.core import Core
from entrypoints.container.idempotency import Idempotency
from entrypoints.container.storage import Storage

agents = Storage.storage.provided.agents


class Agents(containers.DeclarativeContainer):
    """Saved agents."""

    manage_agents = providers.Singleton(ManageAgents, agents=agents, clock=Core.clock, ids=Core.ids)
    create_agent_once = providers.Singleton(
        CreateAgentOnce,
        idempotent_execution=Idempotency.idempotent_execution,
        manage_agents=manage_agents,
    )
    apply_agent = providers.Singleton(ApplyAgent, manage_agents)
    use_agent = providers.Singleton(UseAgent, agents)
