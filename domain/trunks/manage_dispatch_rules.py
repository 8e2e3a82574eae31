"""List, create and delete SIP dispatch rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.shared.errors import AlreadyExists, InvalidInput, NotFound
from domain.shared.livekit_errors import LiveKitRefused
from domain.shared.pagination import DEFAULT_LIMIT
from domain.trunks import fields
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.fields import Normalised
from domain.trunks.id_page import IdPage, IdPosition, each, read_id_page
from domain.trunks.provisioning import DispatchRules

DEFAULT_PREFIX: Final = "call-"
_PIN: Final = re.compile(r"[0-9]{1,32}", re.ASCII)


@attrs.frozen(kw_only=True)
class CreateDispatchRuleCommand:
    """What the rule shall be, unchecked.

    With ``room_name`` all calls come into that room; else each into a room of its own, whose name
    begins with ``room_prefix``.
    """

    name: str = ""
    room_name: str = ""
    room_prefix: str = ""
    pin: str = attrs.field(default="", repr=False)
    trunk_ids: Sequence[str] = ()
    numbers: Sequence[str] = ()
    caller_numbers: Sequence[str] = ()


@attrs.frozen
class CreatedDispatchRule:
    """The rule; ``is_new`` is False where LiveKit had it already."""

    rule: DispatchRule
    is_new: bool


@attrs.frozen
class ManageDispatchRules:
    """Dispatch rules belong to the deployment, not to a tenant.

    Every method raises ``Forbidden`` without the scope ``admin``, and ``LiveKitError``.
    """

    rules: DispatchRules
    normalised: Normalised
    _creating: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False, eq=False)

    async def page(
        self, access: Access, after: IdPosition | None = None, limit: int = DEFAULT_LIMIT
    ) -> IdPage[DispatchRule]:
        """Return rules, sorted by id."""
        access.require(Scope.ADMIN)
        return await read_id_page(self.rules.page, after, limit)

    async def create(
        self, command: CreateDispatchRuleCommand, access: Access
    ) -> CreatedDispatchRule:
        """Create a rule, or return the one that is like it but for its name.

        Raises :class:`~domain.shared.errors.InvalidInput`, and
        :class:`~domain.shared.errors.AlreadyExists` if another rule is for the same calls.
        """
        access.require(Scope.ADMIN)
        wanted = self._checked(command)
        async with self._creating:
            existing = await self._existing(wanted)
            if existing is not None:
                return CreatedDispatchRule(existing, is_new=False)
            try:
                return CreatedDispatchRule(await self.rules.create(wanted), is_new=True)
            except LiveKitRefused:  # another process may have been first
                existing = await self._existing(wanted)
                if existing is None:
                    raise
                return CreatedDispatchRule(existing, is_new=False)

    async def _existing(self, wanted: DispatchRule) -> DispatchRule | None:
        """Return the rule that is like ``wanted``. Raises :class:`AlreadyExists`."""
        conflict: DispatchRule | None = None
        async for rule in each(self.rules.page):
            if rule.is_like(wanted):
                return rule
            if conflict is None and rule.conflicts_with(wanted):
                conflict = rule
        if conflict is not None:
            raise AlreadyExists(
                f"Dispatch rule {conflict.id} is for the same trunks and numbers; delete it first.",
                dispatchRuleId=conflict.id,
            )
        return None

    async def delete(self, rule_id: str, access: Access) -> None:
        """Delete a rule. Raises :class:`~domain.shared.errors.NotFound`."""
        access.require(Scope.ADMIN)
        async for rule in each(self.rules.page):
            if rule.id == rule_id:
                await self.rules.delete(rule_id)
                return
        raise NotFound("There is no dispatch rule with this id.")

    def _checked(self, command: CreateDispatchRuleCommand) -> DispatchRule:
        room_name = fields.text(command.room_name, "roomName", "lobby")
        prefix = fields.text(command.room_prefix, "roomPrefix", DEFAULT_PREFIX)
        if room_name and prefix:
            raise InvalidInput(
                "Send roomPrefix (a room for each call) or roomName (one room), not both.",
                field="roomName",
            )
        if command.pin and not _PIN.fullmatch(command.pin):
            raise InvalidInput("pin must be 1 to 32 digits.", field="pin")
        return DispatchRule(
            kind=RuleKind.DIRECT if room_name else RuleKind.INDIVIDUAL,
            name=fields.text(command.name, "name", "Calls"),
            room=room_name or prefix or DEFAULT_PREFIX,
            pin=command.pin,
            trunk_ids=fields.texts(command.trunk_ids, "trunkIds", "ST_KnjTHzPvnE3c"),
            numbers=fields.numbers(command.numbers, "numbers", self.normalised),
            caller_numbers=fields.numbers(command.caller_numbers, "callerNumbers", self.normalised),
        )
