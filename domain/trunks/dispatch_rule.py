"""A SIP dispatch rule: which room an inbound call is put into."""

from __future__ import annotations

import enum

import attrs


class RuleKind(enum.StrEnum):
    """How a rule names the room of a call."""

    INDIVIDUAL = "individual"
    """A room of its own for each call."""
    DIRECT = "direct"
    """One room for all calls."""
    CALLEE = "callee"
    """A room for each called number."""


@attrs.frozen(kw_only=True)
class DispatchRule:
    """A rule; ``id`` is empty until LiveKit has it.

    ``room`` is the room's name (direct) or the prefix of it. Empty lists of trunks, called
    ``numbers`` and ``caller_numbers`` restrict nothing. ``agent_names`` are the agents that LiveKit
    dispatches by itself when the rule makes a room. ``has_more`` as for a trunk.
    """

    id: str = ""
    kind: RuleKind
    name: str = ""
    room: str = ""
    pin: str = attrs.field(default="", repr=False)
    trunk_ids: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    caller_numbers: tuple[str, ...] = ()
    agent_names: tuple[str, ...] = ()
    has_more: bool = False

    def serves(self, trunk_id: str, number: str | None) -> bool:
        """Whether a call by this trunk, to ``number`` if known, may be put into a room by it."""
        if self.trunk_ids and trunk_id not in self.trunk_ids:
            return False
        return number is None or not self.numbers or number in self.numbers

    def room_of(self, caller: str, called: str) -> str:
        """Return a name that the rule may give to the room of a call."""
        match self.kind:
            case RuleKind.DIRECT:
                return self.room
            case RuleKind.INDIVIDUAL:
                return f"{self.room}_{caller}_4xQb7LmTzR2k"
            case RuleKind.CALLEE:
                return f"{self.room}{called}"

    def is_like(self, other: DispatchRule) -> bool:
        """Whether the rules differ in id, name and the order of lists at most."""
        return self._sorted() == other._sorted()

    def conflicts_with(self, other: DispatchRule) -> bool:
        """Whether LiveKit would not know which of the two a call belongs to."""
        return self.pin == other.pin and all(
            (not mine and not theirs) or set(mine) & set(theirs)
            for mine, theirs in (
                (self.trunk_ids, other.trunk_ids),
                (self.numbers, other.numbers),
                (self.caller_numbers, other.caller_numbers),
            )
        )

    def _sorted(self) -> DispatchRule:
        return attrs.evolve(
            self,
            id="",
            name="",
            trunk_ids=tuple(sorted(self.trunk_ids)),
            numbers=tuple(sorted(self.numbers)),
            caller_numbers=tuple(sorted(self.caller_numbers)),
        )
