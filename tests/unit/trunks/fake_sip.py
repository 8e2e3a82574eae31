"""LiveKit's trunks and dispatch rules, in memory."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from domain.shared.livekit_errors import LiveKitRefused
from domain.trunks.dispatch_rule import DispatchRule
from domain.trunks.id_page import Item
from domain.trunks.trunk import Trunk, TrunkDirection


@attrs.define
class FakeTrunks:
    """Refuses conflicts as LiveKit does; ``before_create`` is what another process does first."""

    kept: list[Trunk] = attrs.field(factory=list)
    limits: list[int] = attrs.field(factory=list)
    before_create: Callable[[], object] = lambda: None

    async def page(self, direction: TrunkDirection | None, after: str, limit: int) -> list[Trunk]:
        self.limits.append(limit)
        found = [one for one in self.kept if direction in (None, one.direction)]
        return sorted_page(found, after, limit)

    async def create(self, trunk: Trunk) -> Trunk:
        self.before_create()
        if any(trunk.conflicts_with(other) for other in self.kept):
            raise LiveKitRefused("Conflicting inbound SIP Trunks.")
        return self.keep(trunk)

    async def delete(self, trunk_id: str) -> None:
        self.kept = [trunk for trunk in self.kept if trunk.id != trunk_id]

    def keep(self, trunk: Trunk) -> Trunk:
        self.kept.append(attrs.evolve(trunk, id=f"ST_{len(self.kept) + 1}"))
        return self.kept[-1]


@attrs.define
class FakeDispatchRules:
    """The same for rules."""

    kept: list[DispatchRule] = attrs.field(factory=list)
    limits: list[int] = attrs.field(factory=list)
    before_create: Callable[[], object] = lambda: None

    async def page(self, after: str, limit: int) -> list[DispatchRule]:
        self.limits.append(limit)
        return sorted_page(self.kept, after, limit)

    async def create(self, rule: DispatchRule) -> DispatchRule:
        self.before_create()
        if any(rule.conflicts_with(other) for other in self.kept):
            raise LiveKitRefused("Dispatch rule for the same trunk already exists.")
        return self.keep(rule)

    async def delete(self, rule_id: str) -> None:
        self.kept = [rule for rule in self.kept if rule.id != rule_id]

    def keep(self, rule: DispatchRule) -> DispatchRule:
        self.kept.append(attrs.evolve(rule, id=f"SDR_{len(self.kept) + 1}"))
        return self.kept[-1]


def sorted_page(kept: list[Item], after: str, limit: int) -> list[Item]:
    return sorted((one for one in kept if one.id > after), key=lambda one: one.id)[:limit]
