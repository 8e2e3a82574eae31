"""Find out which agents answer calls: that of one number, or those of all stored numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.diagnosis.finding import Check, Finding, State
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.repository import PhoneNumberRepository
from domain.phone_numbers.route_call import RouteCall
from domain.shared.errors import StorageUnavailable
from domain.shared.pagination import MAX_LIMIT, Cursor

MOST: Final = 20
"""So many agents are checked at most, as each check dispatches one."""


@attrs.define
class AnsweringAgents:
    """The names under which workers must be registered, and what was found on the way."""

    names: list[str] = attrs.field(factory=list)
    findings: list[Finding] = attrs.field(factory=list)

    def add(self, name: str) -> None:
        """Add a name unless it is known."""
        if name not in self.names:
            self.names.append(name)


@attrs.frozen(kw_only=True)
class FindAnsweringAgents:
    """Reads the stored numbers as the routing of calls does; asks no pre-call webhook."""

    numbers: PhoneNumberRepository
    route_call: RouteCall
    agent_name: str

    async def __call__(self, number: str | None) -> AnsweringAgents:
        """Return the agents that answer ``number`` (E.164); None: any number.

        The default agent answers where no number is stored, or the numbers cannot be read.
        """
        found = AnsweringAgents()
        try:
            await (self._of_all(found) if number is None else self._of_number(found, number))
        except StorageUnavailable as error:
            found.findings.append(Finding(Check.WORKER, State.SKIPPED, str(error)))
        if not found.names:
            found.add(self.agent_name)
        return found

    async def _of_number(self, found: AnsweringAgents, number: str) -> None:
        for entry in await self.numbers.of_number(number, SYSTEM):
            name, problem = await self._of_entry(entry)
            found.add(name)
            calls = f"Calls to {number}" + (f" by {entry.trunk_id}" if entry.trunk_id else "")
            if problem is not None:
                sentence = f"{calls} are answered by AGENT_NAME '{name}': {problem}"
                found.findings.append(Finding(Check.NUMBER, State.WARNING, sentence))
                continue
            unless = ", unless its pre-call webhook decides otherwise" if entry.webhook else ""
            sentence = f"{calls} are answered by agent {entry.agent_id} ('{name}'){unless}."
            found.findings.append(Finding(Check.NUMBER, State.OK, sentence))

    async def _of_all(self, found: AnsweringAgents) -> None:
        found.add(self.agent_name)
        seen = set()
        async for entry in self._entries():
            if entry.agent_id in seen:
                continue
            seen.add(entry.agent_id)
            name, _ = await self._of_entry(entry)
            if len(found.names) == MOST and name not in found.names:
                sentence = (
                    f"More than {MOST} agents answer calls, of which {MOST} are checked; give a "
                    "number to check its own agent."
                )
                found.findings.append(Finding(Check.WORKER, State.WARNING, sentence))
                return
            found.add(name)

    async def _entries(self) -> AsyncIterator[PhoneNumber]:
        after: Cursor | None = None
        while page := await self.numbers.page(after, MAX_LIMIT, SYSTEM):
            for entry in page:
                yield entry
            after = Cursor(*page[-1].age)

    async def _of_entry(self, entry: PhoneNumber) -> tuple[str, str | None]:
        """Return the agent's name, and why it is not the number's own."""
        route = await self.route_call.by_number(entry)
        chosen = await self.route_call.chosen(route)
        return chosen.agent_name or self.agent_name, route.default_because
