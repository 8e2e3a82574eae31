"""The ports to LiveKit's trunks and dispatch rules."""

from __future__ import annotations

from typing import Protocol

from domain.trunks.dispatch_rule import DispatchRule
from domain.trunks.trunk import Trunk, TrunkDirection


class Trunks(Protocol):
    """LiveKit's SIP trunks.

    Every method raises :class:`~domain.shared.livekit_errors.LiveKitError`;
    :class:`~domain.shared.livekit_errors.LiveKitWithoutSip` where the server has no SIP.
    """

    async def page(self, direction: TrunkDirection | None, after: str, limit: int) -> list[Trunk]:
        """Return ``limit`` trunks whose ids come after ``after``, sorted by id.

        Of this direction; None: inbound and outbound.
        """
        ...

    async def create(self, trunk: Trunk) -> Trunk:
        """Return ``trunk`` with its id. Not idempotent for outbound trunks."""
        ...

    async def delete(self, trunk_id: str) -> None:
        """Delete a trunk. One that does not exist is a success."""
        ...


class DispatchRules(Protocol):
    """LiveKit's SIP dispatch rules. Errors as for :class:`Trunks`."""

    async def page(self, after: str, limit: int) -> list[DispatchRule]:
        """Return ``limit`` rules whose ids come after ``after``, sorted by id."""
        ...

    async def create(self, rule: DispatchRule) -> DispatchRule:
        """Return ``rule`` with its id."""
        ...

    async def delete(self, rule_id: str) -> None:
        """Delete a rule. One that does not exist is a success."""
        ...
