"""Decide which agent answers a call, by the number that was called."""

from __future__ import annotations

import re
from typing import Final

import attrs

from domain.access.access import SYSTEM, Access
from domain.agents.agent_config import MAX_METADATA_BYTES, AgentConfig
from domain.agents.use_agent import ChosenAgent, UseAgent, UseAgentCommand
from domain.phone_numbers.call_route import CallRoute, WebhookExchange
from domain.phone_numbers.definition import E164
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.repository import PhoneNumberRepository
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput, MetadataTooLarge, NotFound

UNUSABLE: Final = (InvalidInput, MetadataTooLarge, NotFound)
"""What using a saved agent raises if the agent, or what it is used with, is the reason."""

_WITHOUT_PLUS: Final = re.compile(E164.removeprefix(r"\+"), re.ASCII)

_CORRELATION_BYTES: Final = 2048
"""At most what the service adds to an agent's metadata for a phone call."""


@attrs.frozen(kw_only=True)
class RouteCall:
    """Find the stored number of a call, and the agent that answers it."""

    numbers: PhoneNumberRepository
    use_agent: UseAgent
    clock: Clock

    async def find(self, number: str | None, trunk_id: str | None) -> PhoneNumber | None:
        """Return the entry that answers a call: that of its trunk, else that of every trunk.

        Many carriers leave out the ``+``. Raises ``StorageUnavailable``.
        """
        if number is None:
            return None
        wanted = f"+{number}" if _WITHOUT_PLUS.fullmatch(number) else number
        entries = await self.numbers.of_number(wanted, SYSTEM)
        answering = {entry.trunk_id: entry for entry in entries if entry.answers(trunk_id)}
        return answering.get(trunk_id) or answering.get(None)

    async def by_number(
        self,
        entry: PhoneNumber,
        because: str | None = None,
        exchange: WebhookExchange | None = None,
    ) -> CallRoute:
        """Return the route to the number's own agent, or to ``AGENT_NAME`` if it cannot be used.

        ``because``: why the webhook, which had this ``exchange``, did not decide. Raises
        ``StorageUnavailable``.
        """
        route = self.at(entry, because, exchange)
        try:
            chosen = await self.used(str(entry.agent_id), route, SYSTEM)
        except UNUSABLE as error:
            reasons = [because, f"the number's agent cannot be used: {error}"]
            return attrs.evolve(route, default_because="; ".join(filter(None, reasons)))
        return attrs.evolve(route, agent=f"{chosen.agent_id}@{chosen.version}")

    def by_default(self, number: str | None) -> CallRoute:
        """Return the route of a call to a number that is not stored."""
        called = "LiveKit does not say which number was called"
        because = called if number is None else f"no phone number {number} is stored"
        return CallRoute(at=self.clock.now(), default_because=because)

    def at(
        self, entry: PhoneNumber, because: str | None, exchange: WebhookExchange | None
    ) -> CallRoute:
        """Return a route of the number's tenant, made now, without an agent."""
        return CallRoute(
            at=self.clock.now(),
            number=entry.number,
            tenant=entry.tenant,
            default_because=because,
            webhook=exchange,
        )

    async def chosen(self, route: CallRoute) -> ChosenAgent:
        """Return the agent of a stored route; ``AGENT_NAME`` if it was deleted since.

        Raises ``StorageUnavailable``.
        """
        if route.agent is not None:
            try:
                return await self.used(route.agent, route, SYSTEM)
            except UNUSABLE:
                pass  # deleted between the decision and the dispatch
        return ChosenAgent(config=AgentConfig.for_phone())

    async def used(self, agent: str, route: CallRoute, access: Access) -> ChosenAgent:
        """Return the agent with what the route has for it. Raises :data:`UNUSABLE`."""
        chosen = await self.use_agent(
            UseAgentCommand(
                agent=agent,
                variables=route.variables,
                agent_config=route.agent_config,
                access=access,
            )
        )
        config = chosen.config
        if route.metadata is not None:
            AgentConfig.parse({"metadata": route.metadata})  # limits the depth
            config = AgentConfig({**config.values, "metadata": route.metadata})
        size = len(config.metadata().encode()) + _CORRELATION_BYTES
        if size > MAX_METADATA_BYTES:
            raise MetadataTooLarge(
                "The agent's configuration is too large for a phone call.", field="agentConfig"
            )
        return attrs.evolve(chosen, config=config)
