"""LiveKit's SIP dispatch rules."""

from __future__ import annotations

from typing import Final

import attrs
from livekit.api import ServerError, ServerErrorCode
from livekit.protocol.sip import (
    CreateSIPDispatchRuleRequest,
    DeleteSIPDispatchRuleRequest,
    ListSIPDispatchRuleRequest,
    SIPDispatchRule,
    SIPDispatchRuleCallee,
    SIPDispatchRuleDirect,
    SIPDispatchRuleIndividual,
    SIPDispatchRuleInfo,
)

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors
from adapters.livekit.id_pages import cut, page_after
from adapters.livekit.phone_leg import Normalised
from adapters.livekit.settings_beside import has_more
from domain.trunks.dispatch_rule import DispatchRule, RuleKind

_SHOWN: Final = frozenset({
    "sip_dispatch_rule_id", "rule", "name", "trunk_ids", "numbers", "inbound_numbers",
    "created_at", "updated_at",
})  # fmt: skip


@attrs.frozen
class LiveKitDispatchRules:
    """Implements :class:`domain.trunks.provisioning.DispatchRules`.

    ``normalised`` as for :class:`~adapters.livekit.trunks.LiveKitTrunks`.
    """

    client: LiveKitClient
    normalised: Normalised

    async def page(self, after: str, limit: int) -> list[DispatchRule]:
        """Return ``limit`` rules whose ids come after ``after``, sorted by id."""
        request = ListSIPDispatchRuleRequest(page=page_after(after, limit))
        with livekit_errors():
            answer = await self.client.sip.list_dispatch_rule(request)
        return cut(map(self._rule, answer.items), after, limit)

    async def create(self, rule: DispatchRule) -> DispatchRule:
        """Return ``rule`` with its id."""
        wanted = SIPDispatchRuleInfo(
            rule=_sip_rule(rule),
            name=rule.name,
            trunk_ids=rule.trunk_ids,
            numbers=rule.numbers,
            inbound_numbers=rule.caller_numbers,
        )
        with livekit_errors():
            info = await self.client.sip.create_dispatch_rule(
                CreateSIPDispatchRuleRequest(dispatch_rule=wanted)
            )
        return self._rule(info)

    async def delete(self, rule_id: str) -> None:
        """Delete a rule. One that does not exist is a success."""
        with livekit_errors():
            try:
                await self.client.sip.delete_dispatch_rule(
                    DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule_id)
                )
            except ServerError as error:
                if error.code != ServerErrorCode.NOT_FOUND:
                    raise

    def _rule(self, info: SIPDispatchRuleInfo) -> DispatchRule:
        kind, room, pin = _room(info.rule)
        rule = DispatchRule(
            id=info.sip_dispatch_rule_id,
            kind=kind,
            name=info.name,
            room=room,
            pin=pin,
            trunk_ids=tuple(info.trunk_ids),
            numbers=tuple(map(self.normalised, info.numbers)),
            caller_numbers=tuple(map(self.normalised, info.inbound_numbers)),
            agent_names=tuple(agent.agent_name for agent in info.room_config.agents),
        )
        more = has_more(info, _SHOWN) or info.rule != _sip_rule(rule)
        return attrs.evolve(rule, has_more=more)


def _sip_rule(rule: DispatchRule) -> SIPDispatchRule:
    match rule.kind:
        case RuleKind.DIRECT:
            direct = SIPDispatchRuleDirect(room_name=rule.room, pin=rule.pin)
            return SIPDispatchRule(dispatch_rule_direct=direct)
        case RuleKind.INDIVIDUAL:
            individual = SIPDispatchRuleIndividual(room_prefix=rule.room, pin=rule.pin)
            return SIPDispatchRule(dispatch_rule_individual=individual)
        case RuleKind.CALLEE:
            callee = SIPDispatchRuleCallee(room_prefix=rule.room, pin=rule.pin)
            return SIPDispatchRule(dispatch_rule_callee=callee)


def _room(rule: SIPDispatchRule) -> tuple[RuleKind, str, str]:
    """Return the kind, the room's name or its prefix, and the PIN."""
    match rule.WhichOneof("rule"):
        case "dispatch_rule_direct":
            return (
                RuleKind.DIRECT,
                rule.dispatch_rule_direct.room_name,
                rule.dispatch_rule_direct.pin,
            )
        case "dispatch_rule_callee":
            callee = rule.dispatch_rule_callee
            return RuleKind.CALLEE, callee.room_prefix, callee.pin
        case _:
            individual = rule.dispatch_rule_individual
            return RuleKind.INDIVIDUAL, individual.room_prefix, individual.pin
