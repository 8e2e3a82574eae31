"""Trunks and rules with settings that the service does not show are not taken for the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.message import Message
from livekit.protocol.room import RoomConfiguration
from livekit.protocol.sip import (
    ListSIPDispatchRuleResponse,
    ListSIPInboundTrunkResponse,
    SIPDispatchRule,
    SIPDispatchRuleIndividual,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPMediaEncryption,
)

from adapters.livekit.client import LiveKitClient
from adapters.livekit.dispatch_rules import LiveKitDispatchRules
from adapters.livekit.trunks import LiveKitTrunks
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.trunk import Trunk, TrunkDirection

NUMBER = "+15105550199"


def client(**answers: Message) -> LiveKitClient:
    def answering(answer: Message) -> Any:
        async def answered(_request: Message) -> Message:
            return answer

        return answered

    methods = {name: answering(answer) for name, answer in answers.items()}
    return cast("LiveKitClient", SimpleNamespace(sip=SimpleNamespace(**methods)))


@pytest.mark.parametrize(
    ("more", "is_like"),
    [
        ({}, True),
        ({"name": "another name"}, True),
        ({"media_encryption": SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE}, False),
        ({"headers": {"X-A": "b"}}, False),
        ({"krisp_enabled": True}, False),
    ],
)
async def test_a_trunk_s_other_settings(more: dict[str, Any], is_like: bool) -> None:  # noqa: FBT001
    info = SIPInboundTrunkInfo(sip_trunk_id="ST_a", numbers=[NUMBER], **more)
    listed = ListSIPInboundTrunkResponse(items=[info])
    trunks = LiveKitTrunks(client(list_inbound_trunk=listed), str)

    [found] = await trunks.page(TrunkDirection.INBOUND, "", 10)

    wanted = Trunk(direction=TrunkDirection.INBOUND, numbers=(NUMBER,))
    assert found.is_like(wanted) is is_like


@pytest.mark.parametrize(
    ("more", "rule", "is_like"),
    [
        ({}, {}, True),
        ({"room_config": RoomConfiguration()}, {}, True),
        ({"room_config": RoomConfiguration(max_participants=2)}, {}, False),
        ({"attributes": {"a": "b"}}, {}, False),
        ({}, {"no_randomness": True}, False),
    ],
)
async def test_a_rule_s_other_settings(
    more: dict[str, Any],
    rule: dict[str, Any],
    is_like: bool,  # noqa: FBT001
) -> None:
    individual = SIPDispatchRuleIndividual(room_prefix="call", **rule)
    info = SIPDispatchRuleInfo(
        sip_dispatch_rule_id="SDR_a",
        rule=SIPDispatchRule(dispatch_rule_individual=individual),
        **more,
    )
    listed = ListSIPDispatchRuleResponse(items=[info])
    rules = LiveKitDispatchRules(client(list_dispatch_rule=listed), str)

    [found] = await rules.page("", 10)

    assert found.is_like(DispatchRule(kind=RuleKind.INDIVIDUAL, room="call")) is is_like
