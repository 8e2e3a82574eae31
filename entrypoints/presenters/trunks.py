"""A SIP trunk and a dispatch rule as JSON, without their secrets."""

from __future__ import annotations

import msgspec

from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.trunk import Transport, Trunk, TrunkDirection


class TrunkResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A SIP trunk at LiveKit. `hasPassword` stands for the password, which is never shown.

    An inbound trunk without `numbers` takes calls to every number. `allowedAddresses` and
    `allowedNumbers` are empty where they restrict nothing; `address` is an outbound trunk's.
    """

    trunk_id: str
    direction: TrunkDirection
    name: str
    numbers: list[str]
    allowed_addresses: list[str]
    allowed_numbers: list[str]
    address: str | None
    transport: Transport
    auth_username: str | None
    has_password: bool


class DispatchRuleResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A dispatch rule at LiveKit. `hasPin` stands for the PIN, which is never shown.

    `kind` is `individual` (a room for each call, named `roomPrefix` and more), `direct` (all calls
    in `roomName`) or `callee` (a room for each called number). Empty lists restrict nothing.
    `agentNames` are agents that LiveKit dispatches by itself, beside this service's.
    """

    dispatch_rule_id: str
    name: str
    kind: RuleKind
    room_name: str | None
    room_prefix: str | None
    has_pin: bool
    trunk_ids: list[str]
    numbers: list[str]
    caller_numbers: list[str]
    agent_names: list[str]


def trunk_response(trunk: Trunk) -> TrunkResponse:
    """Return ``trunk`` without its password."""
    return TrunkResponse(
        trunk_id=trunk.id,
        direction=trunk.direction,
        name=trunk.name,
        numbers=[*trunk.numbers],
        allowed_addresses=[*trunk.allowed_addresses],
        allowed_numbers=[*trunk.allowed_numbers],
        address=trunk.address or None,
        transport=trunk.transport,
        auth_username=trunk.auth_username or None,
        has_password=bool(trunk.auth_password),
    )


def dispatch_rule_response(rule: DispatchRule) -> DispatchRuleResponse:
    """Return ``rule`` without its PIN."""
    direct = rule.kind is RuleKind.DIRECT
    return DispatchRuleResponse(
        dispatch_rule_id=rule.id,
        name=rule.name,
        kind=rule.kind,
        room_name=rule.room if direct else None,
        room_prefix=None if direct else rule.room,
        has_pin=bool(rule.pin),
        trunk_ids=[*rule.trunk_ids],
        numbers=[*rule.numbers],
        caller_numbers=[*rule.caller_numbers],
        agent_names=[*rule.agent_names],
    )
