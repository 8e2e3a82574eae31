"""``livekit.SIP``: trunks and dispatch rules. No call comes by them.

Conflicts, error codes and messages as livekit-server 1.13.5 gives them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from google.protobuf.message import Message
from livekit.protocol.sip import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    DeleteSIPDispatchRuleRequest,
    DeleteSIPTrunkRequest,
    ListSIPDispatchRuleRequest,
    ListSIPDispatchRuleResponse,
    ListSIPInboundTrunkRequest,
    ListSIPInboundTrunkResponse,
    ListSIPOutboundTrunkRequest,
    ListSIPOutboundTrunkResponse,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
    SIPTrunkInfo,
)

from entrypoints.simulator.access import Grants
from entrypoints.simulator.twirp import TwirpError
from entrypoints.simulator.world import new_id

Kept = TypeVar("Kept", bound=Message)
Answer = Callable[[Any, Grants], Awaitable[Message]]


class SipService:
    """What livekit-server keeps in Redis; ``connected``: whether it has one."""

    def __init__(self, *, connected: bool) -> None:
        self._connected = connected
        self._inbound: dict[str, SIPInboundTrunkInfo] = {}
        self._outbound: dict[str, SIPOutboundTrunkInfo] = {}
        self._rules: dict[str, SIPDispatchRuleInfo] = {}

    def methods(self) -> Mapping[str, tuple[type[Message], Answer]]:
        """Each method's request, and the coroutine that answers it."""
        return {
            "ListSIPInboundTrunk": (ListSIPInboundTrunkRequest, self.list_inbound),
            "ListSIPOutboundTrunk": (ListSIPOutboundTrunkRequest, self.list_outbound),
            "ListSIPDispatchRule": (ListSIPDispatchRuleRequest, self.list_rules),
            "CreateSIPInboundTrunk": (CreateSIPInboundTrunkRequest, self.create_inbound),
            "CreateSIPOutboundTrunk": (CreateSIPOutboundTrunkRequest, self.create_outbound),
            "CreateSIPDispatchRule": (CreateSIPDispatchRuleRequest, self.create_rule),
            "DeleteSIPTrunk": (DeleteSIPTrunkRequest, self.delete_trunk),
            "DeleteSIPDispatchRule": (DeleteSIPDispatchRuleRequest, self.delete_rule),
        }

    async def list_inbound(
        self, request: ListSIPInboundTrunkRequest, grants: Grants
    ) -> ListSIPInboundTrunkResponse:
        """Inbound trunks, sorted by id."""
        self._admit(grants)
        return ListSIPInboundTrunkResponse(items=_page(self._inbound, request))

    async def list_outbound(
        self, request: ListSIPOutboundTrunkRequest, grants: Grants
    ) -> ListSIPOutboundTrunkResponse:
        """Outbound trunks, sorted by id."""
        self._admit(grants)
        return ListSIPOutboundTrunkResponse(items=_page(self._outbound, request))

    async def list_rules(
        self, request: ListSIPDispatchRuleRequest, grants: Grants
    ) -> ListSIPDispatchRuleResponse:
        """Dispatch rules, sorted by id."""
        self._admit(grants)
        return ListSIPDispatchRuleResponse(items=_page(self._rules, request))

    async def create_inbound(
        self, request: CreateSIPInboundTrunkRequest, grants: Grants
    ) -> SIPInboundTrunkInfo:
        """Create an inbound trunk; a number belongs to one, unless their callers differ."""
        self._admit(grants)
        trunk = SIPInboundTrunkInfo()
        trunk.CopyFrom(request.trunk)
        if not (trunk.numbers or trunk.allowed_addresses or trunk.auth_username):
            raise TwirpError(
                "invalid_argument",
                "for security, one of the fields must be set: AuthUsername+AuthPassword, "
                "AllowedAddresses or Numbers",
            )
        for other in self._inbound.values():
            if set(other.numbers) & set(trunk.numbers) and _share(
                other.allowed_numbers, trunk.allowed_numbers
            ):
                raise TwirpError(
                    "invalid_argument",
                    f'Conflicting inbound SIP Trunks: "<new>" and "{other.sip_trunk_id}", using '
                    f"the same number(s) {[*trunk.numbers]} without AllowedNumbers set",
                )
        trunk.sip_trunk_id = new_id("ST_")
        self._inbound[trunk.sip_trunk_id] = trunk
        return trunk

    async def create_outbound(
        self, request: CreateSIPOutboundTrunkRequest, grants: Grants
    ) -> SIPOutboundTrunkInfo:
        """Create an outbound trunk, also one that is like another."""
        self._admit(grants)
        trunk = SIPOutboundTrunkInfo()
        trunk.CopyFrom(request.trunk)
        if not trunk.address:
            raise TwirpError("invalid_argument", "no outbound address specified")
        if not trunk.numbers:
            raise TwirpError("invalid_argument", "no trunk numbers specified")
        trunk.sip_trunk_id = new_id("ST_")
        self._outbound[trunk.sip_trunk_id] = trunk
        return trunk

    async def create_rule(
        self, request: CreateSIPDispatchRuleRequest, grants: Grants
    ) -> SIPDispatchRuleInfo:
        """Create a dispatch rule, unless another one is for the same calls."""
        self._admit(grants)
        rule = SIPDispatchRuleInfo()
        rule.CopyFrom(request.dispatch_rule)
        if rule.rule.WhichOneof("rule") is None:
            raise TwirpError("invalid_argument", "missing rule")
        for other in self._rules.values():
            if _pin(other) == _pin(rule) and all(
                _share(getattr(other, field), getattr(rule, field))
                for field in ("trunk_ids", "numbers", "inbound_numbers")
            ):
                known = f'"{other.sip_dispatch_rule_id}" "{other.name}"'
                raise TwirpError(
                    "invalid_argument",
                    "Dispatch rule for the same trunk, inbound number, number, and PIN combination "
                    f"already exists in dispatch rule {known}",
                )
        rule.sip_dispatch_rule_id = new_id("SDR_")
        self._rules[rule.sip_dispatch_rule_id] = rule
        return rule

    async def delete_trunk(self, request: DeleteSIPTrunkRequest, grants: Grants) -> SIPTrunkInfo:
        """Delete a trunk; a success also if there is none."""
        self._admit(grants)
        if not request.sip_trunk_id:
            raise TwirpError("invalid_argument", "trunk ID is required")
        self._inbound.pop(request.sip_trunk_id, None)
        self._outbound.pop(request.sip_trunk_id, None)
        return SIPTrunkInfo(sip_trunk_id=request.sip_trunk_id)

    async def delete_rule(
        self, request: DeleteSIPDispatchRuleRequest, grants: Grants
    ) -> SIPDispatchRuleInfo:
        """Delete a dispatch rule, or answer ``not_found``."""
        self._admit(grants)
        rule = self._rules.pop(request.sip_dispatch_rule_id, None)
        if rule is None:
            raise TwirpError("not_found", "requested sip dispatch rule does not exist")
        return rule

    def _admit(self, grants: Grants) -> None:
        grants.require_sip_admin()
        if not self._connected:
            message = "twirp error unknown: sip not connected (redis required)"
            raise TwirpError("internal", message)


def _page(kept: Mapping[str, Kept], request: Any) -> list[Kept]:
    """Return the page that is asked for; livekit-server lists 1000 at most unless asked."""
    ids = sorted(kept)
    if request.HasField("page"):
        after = [one for one in ids if one > request.page.after_id]
        ids = after[: request.page.limit or 1000]
    return [kept[one] for one in ids]


def _share(mine: Any, theirs: Any) -> bool:
    return (not mine and not theirs) or bool(set(mine) & set(theirs))


def _pin(rule: SIPDispatchRuleInfo) -> str:
    kind = rule.rule.WhichOneof("rule")
    pin: str = getattr(rule.rule, kind or "dispatch_rule_direct").pin
    return pin
