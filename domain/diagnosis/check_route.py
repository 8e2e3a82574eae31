"""Check the way of an inbound call: its number, the trunk that takes it, the dispatch rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from domain.diagnosis.finding import Check, Finding, State
from domain.reconciliation.room_selection import RoomSelection
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.fields import EXAMPLE_NUMBER
from domain.trunks.trunk import Trunk, TrunkDirection


@attrs.frozen(kw_only=True)
class CheckRoute:
    """Compares what LiveKit has with what this service needs.

    ``number`` is the called one in E.164; None: any.
    """

    trunks: Sequence[Trunk]
    rules: Sequence[DispatchRule]
    number: str | None
    agent_names: Sequence[str]
    selection: RoomSelection

    def findings(self) -> Iterator[Finding]:
        """Yield what was found of trunks, then of rules."""
        taking = [trunk for trunk in self.trunks if self._takes(trunk)]
        if not taking:
            yield Finding(Check.TRUNK, State.FAILED, self._no_trunk())
        for trunk in taking:
            yield self._trunk(trunk)
            yield from self._rules(trunk)

    def _takes(self, trunk: Trunk) -> bool:
        if self.number is None:
            return trunk.direction is TrunkDirection.INBOUND
        return trunk.takes(self.number)

    def _no_trunk(self) -> str:
        command = f"backend telephony trunks create inbound --number {self.number or '+1…'}"
        if self.number is None:
            return f"LiveKit has no inbound trunk, so no call can come in; create one: {command}"
        return f"No inbound trunk takes calls to {self.number}; create one: {command}"

    def _trunk(self, trunk: Trunk) -> Finding:
        if self.selection.ignores("", trunk.id):
            return Finding(
                Check.TRUNK,
                State.FAILED,
                f"Trunk {trunk.id} is named by TRUNK_IGNORE, so this service ignores its calls; "
                "take it out of TRUNK_IGNORE.",
            )
        numbers = ", ".join(trunk.numbers) or "every number"
        return Finding(Check.TRUNK, State.OK, f"Trunk {trunk.id} takes calls to {numbers}.")

    def _rules(self, trunk: Trunk) -> Iterator[Finding]:
        serving = [rule for rule in self.rules if rule.serves(trunk.id, self.number)]
        if not serving:
            yield Finding(
                Check.RULE,
                State.FAILED,
                f"No dispatch rule is for calls by trunk {trunk.id}, so LiveKit refuses them; "
                f"create one: backend telephony rules create --trunk {trunk.id}",
            )
        for rule in serving:
            wrong = [*self._faults(rule)]
            yield from wrong
            if not wrong:
                place = f"room '{rule.room}'" if rule.kind is RuleKind.DIRECT else "its own room"
                yield Finding(
                    Check.RULE,
                    State.OK,
                    f"Dispatch rule {rule.id} puts each call by trunk {trunk.id} into {place}.",
                )

    def _faults(self, rule: DispatchRule) -> Iterator[Finding]:
        room = rule.room_of(EXAMPLE_NUMBER, self.number or EXAMPLE_NUMBER)
        if self.selection.ignores_room(room):
            yield Finding(
                Check.RULE,
                State.FAILED,
                f"Dispatch rule {rule.id} makes rooms such as '{room}', which ROOM_IGNORE names, "
                "so this service ignores their calls; change ROOM_IGNORE or the rule's prefix.",
            )
        if rule.agent_names:
            theirs, ours = _quoted(rule.agent_names), _quoted(self.agent_names)
            yield Finding(
                Check.RULE,
                State.WARNING,
                f"Dispatch rule {rule.id} dispatches agent {theirs} itself and this service "
                f"dispatches {ours}: a call may get two agents, or one without its "
                "configuration; remove the agents from the rule's room configuration.",
            )
        if rule.kind is not RuleKind.INDIVIDUAL:
            yield Finding(
                Check.RULE,
                State.WARNING,
                f"Dispatch rule {rule.id} puts several calls into one room, where they hear each "
                "other; use a rule with a room for each call.",
            )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
