"""Store, change, show and delete phone numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs

from domain.access.access import SYSTEM, Access, Scope
from domain.agents.agent import Agent
from domain.agents.repository import AgentRepository
from domain.phone_numbers.definition import PhoneNumberDefinition, parse_number, parse_webhook
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import FIELD, PreCallWebhook
from domain.phone_numbers.repository import PhoneNumberRepository
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, InvalidInput, NotFound
from domain.shared.identifiers import AgentId, PhoneNumberId
from domain.shared.ids import IdGenerator
from domain.shared.look_up import look_up
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page
from domain.shared.phone_number_errors import (
    PhoneNumberChanged,
    PhoneNumberLimitReached,
    PhoneNumberTaken,
)
from domain.shared.webhook_secret import SecretMaker

MAX_NUMBERS: Final = 10_000
"""Numbers of one tenant; creating several at once can exceed it by these."""
MAX_ATTEMPTS: Final = 100
"""Of one change, when others change the same number at the same time."""

_READS: Final = (Scope.PHONE_NUMBERS_READ, Scope.PHONE_NUMBERS_WRITE)
_ON_TRUNK: Final = re.compile(r"(\+[0-9]{1,15})@(.+)", re.ASCII | re.DOTALL)


@attrs.frozen
class ChangedPhoneNumber:
    """A number after a change, and whether its webhook's secret is another one than before."""

    number: PhoneNumber
    has_new_secret: bool


@attrs.frozen(kw_only=True)
class ManagePhoneNumbers:
    """Change and show the phone numbers that are visible to a request.

    Which tenant has a number, or a trunk's calls to it, is the operator's decision: ``admin`` adds
    it and changes its trunk. Every other method needs ``phone-numbers:write`` (to read,
    ``phone-numbers:read`` is enough). Each raises ``Forbidden`` without its scope, ``NotFound`` for
    a number that is not visible, and ``StorageUnavailable``. ``normalised`` writes a number in
    E.164 where it parses.
    """

    numbers: PhoneNumberRepository
    agents: AgentRepository
    clock: Clock
    ids: IdGenerator
    secrets: SecretMaker
    normalised: Callable[[str], str]
    allow_private: bool

    def definition(self, given: Mapping[str, Any]) -> PhoneNumberDefinition:
        """Check a new number. Raises ``InvalidInput`` naming the field."""
        return PhoneNumberDefinition.parse(given, self.normalised, allow_private=self.allow_private)

    async def create(
        self, given: Mapping[str, Any], access: Access, number_id: PhoneNumberId | None = None
    ) -> PhoneNumber:
        """Store a new number; ``number_id``: its id, if it is decided.

        It belongs to its agent's tenant, or else to that of the request. Raises ``InvalidInput``,
        ``NotFound`` for an agent that is not visible, ``PhoneNumberTaken`` or
        ``PhoneNumberLimitReached``.
        """
        access.require(Scope.ADMIN)
        wanted, now = self.definition(given), self.clock.now()
        agent = await self._agent(wanted.agent_id, access)
        number = PhoneNumber(
            id=number_id or self.ids.phone_number_id(),
            number=wanted.number,
            agent_id=agent.id,
            trunk_id=wanted.trunk_id,
            webhook=parse_webhook(
                wanted.webhook, None, self.secrets, allow_private=self.allow_private
            ),
            tenant=access.tenant if agent.tenant is None else agent.tenant,
            created_at=now,
            updated_at=now,
        )
        await self._check_free(number)
        if await self.numbers.count(number.tenant) >= MAX_NUMBERS:
            raise PhoneNumberLimitReached(
                f"There are {MAX_NUMBERS} phone numbers, which is the limit; delete one that is "
                "not used."
            )
        try:
            await self.numbers.add(number)
        except Conflict:
            raise _taken(number) from None
        return number

    async def change(
        self, number: str, changes: Mapping[str, Any], access: Access
    ) -> ChangedPhoneNumber:
        """Replace ``agentId``, ``trunkId`` or fields of ``preCallWebhook``; null removes.

        A webhook keeps its secret unless ``secret`` is given; null has a new one made. Calls that
        were decided before stay as they are. Raises as :meth:`create`, and ``PhoneNumberChanged``.
        """
        access.require(Scope.PHONE_NUMBERS_WRITE)
        for _ in range(MAX_ATTEMPTS):
            found = await self._find(number, access)
            changed = await self._changed(found, changes, access)
            if changed == found:
                return ChangedPhoneNumber(found, has_new_secret=False)
            await self._check_free(changed)
            try:
                saved = await self.numbers.save(changed)
            except Conflict:
                continue
            return ChangedPhoneNumber(saved, _secret(saved) != _secret(found))
        raise PhoneNumberChanged("Other requests keep changing this phone number; try again.")

    async def delete(self, number: str, access: Access) -> None:
        """Delete the number. Calls that were decided before stay as they are."""
        access.require(Scope.PHONE_NUMBERS_WRITE)
        found = await self._find(number, access)
        if not await self.numbers.delete(found.id, access):
            raise NotFound("The phone number was deleted by another request.", field="number")

    async def by_id(self, number_id: PhoneNumberId, access: Access) -> PhoneNumber | None:
        """Return the entry with this id; None if there is none."""
        access.require(*_READS)
        return await self.numbers.get(number_id, access)

    async def by_number(self, number: str, access: Access) -> PhoneNumber:
        """Return the entry of a number, or of ``number@trunkId``.

        Of several entries that is the one without a trunk; if each has one, ``InvalidInput``.
        """
        access.require(*_READS)
        return await self._find(number, access)

    async def page(
        self,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[PhoneNumber] | None = None,
    ) -> Page[PhoneNumber]:
        """Return the visible numbers, newest first, of those after ``after``."""
        access.require(*_READS)
        return await read_page(partial(self.numbers.page, access=access), after, limit, capacity)

    async def _find(self, raw: str, access: Access) -> PhoneNumber:
        on_trunk = _ON_TRUNK.fullmatch(raw)
        missing = NotFound("There is no such phone number.", field="number")
        try:
            wanted = parse_number(on_trunk[1] if on_trunk else raw, self.normalised)
        except InvalidInput:
            raise missing from None
        found = await self.numbers.of_number(wanted, access)
        if on_trunk:
            found = [one for one in found if one.trunk_id == on_trunk[2]]
        elif len(found) > 1:
            found = [one for one in found if one.trunk_id is None] or found
        if not found:
            raise missing
        if len(found) > 1:
            raise InvalidInput(
                f"{wanted} is stored for several trunks; add '@' and the trunk's id.",
                field="number",
                example=f"{wanted}@{found[0].trunk_id}",
            )
        return found[0]

    async def _changed(
        self, found: PhoneNumber, changes: Mapping[str, Any], access: Access
    ) -> PhoneNumber:
        before: dict[str, Any] = {
            "number": found.number,
            "agentId": str(found.agent_id),
            "trunkId": found.trunk_id,
        }
        wanted = self.definition({**before, **changes})
        if wanted.number != found.number:
            raise InvalidInput(
                "number cannot be changed; delete this one and add the other.", field="number"
            )
        if wanted.trunk_id != found.trunk_id:
            access.require(Scope.ADMIN)
        if wanted.agent_id != found.agent_id:
            agent = await self._agent(wanted.agent_id, access)
            if agent.tenant not in (None, found.tenant):
                raise InvalidInput(
                    "agentId is an agent of another tenant than the number; delete the number and "
                    "add it again.",
                    field="agentId",
                )
        webhook: PreCallWebhook | None = found.webhook
        if FIELD in changes:
            webhook = parse_webhook(
                wanted.webhook, found.webhook, self.secrets, allow_private=self.allow_private
            )
        changed = attrs.evolve(
            found, agent_id=wanted.agent_id, trunk_id=wanted.trunk_id, webhook=webhook
        )
        if changed == found:
            return found
        return attrs.evolve(changed, updated_at=self.clock.now())

    async def _agent(self, agent_id: AgentId, access: Access) -> Agent:
        missing = "There is no agent with this id."
        find = partial(self.agents.get, access=access)
        return await look_up(str(agent_id), AgentId, find, missing=missing, field="agentId")

    async def _check_free(self, number: PhoneNumber) -> None:
        others = await self.numbers.of_number(number.number, SYSTEM)
        if any(other.excludes(number) for other in others):
            raise _taken(number)


def _secret(number: PhoneNumber) -> str | None:
    return None if number.webhook is None else number.webhook.secret


def _taken(number: PhoneNumber) -> PhoneNumberTaken:
    where = "" if number.trunk_id is None else f" on trunk '{number.trunk_id}'"
    return PhoneNumberTaken(
        f"The phone number {number.number} is already in use{where}.", field="number"
    )
