"""The way of a call by LiveKit's trunks and dispatch rules."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from domain.diagnosis.check_route import CheckRoute
from domain.diagnosis.finding import Check, Finding, State
from domain.reconciliation.room_selection import RoomSelection
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.trunk import Trunk, TrunkDirection

NUMBER, OTHER = "+15105550100", "+442079460018"
TRUNK = Trunk(id="ST_1", direction=TrunkDirection.INBOUND, numbers=(NUMBER,))
OUTBOUND = Trunk(id="ST_9", direction=TrunkDirection.OUTBOUND, numbers=(NUMBER,), address="a.b")
RULE = DispatchRule(id="SDR_1", kind=RuleKind.INDIVIDUAL, room="call-", trunk_ids=("ST_1",))


def findings(
    trunks: Sequence[Trunk],
    rules: Sequence[DispatchRule] = (RULE,),
    number: str | None = NUMBER,
    rooms: Sequence[str] = (),
    ignored_trunks: Sequence[str] = (),
) -> list[Finding]:
    route = CheckRoute(
        trunks=trunks,
        rules=rules,
        number=number,
        agent_names=["agent-a"],
        selection=RoomSelection(ignored_rooms=rooms, ignored_trunks=ignored_trunks),
    )
    return [*route.findings()]


def states(found: list[Finding]) -> list[tuple[Check, State]]:
    return [(finding.check, finding.state) for finding in found]


GOOD = [(Check.TRUNK, State.OK), (Check.RULE, State.OK)]


@pytest.mark.parametrize("number", [NUMBER, None])
@pytest.mark.parametrize(
    "trunk", [TRUNK, attrs.evolve(TRUNK, numbers=())], ids=["its number", "every number"]
)
@pytest.mark.parametrize(
    "rule",
    [
        RULE,
        attrs.evolve(RULE, trunk_ids=()),
        attrs.evolve(RULE, numbers=(NUMBER,)),
        attrs.evolve(RULE, room=""),
    ],
    ids=["its trunk", "every trunk", "its number", "no prefix"],
)
def test_a_trunk_and_a_rule_are_enough(
    number: str | None, trunk: Trunk, rule: DispatchRule
) -> None:
    assert states(findings([trunk, OUTBOUND], [rule], number)) == GOOD


@pytest.mark.parametrize("trunks", [[], [OUTBOUND], [attrs.evolve(TRUNK, numbers=(OTHER,))]])
def test_without_a_trunk_for_the_number_the_command_is_named(trunks: list[Trunk]) -> None:
    [finding] = findings(trunks)

    assert (finding.check, finding.state) == (Check.TRUNK, State.FAILED)
    assert f"backend telephony trunks create inbound --number {NUMBER}" in finding.sentence


def test_without_any_inbound_trunk_no_call_can_come_in() -> None:
    [finding] = findings([OUTBOUND], number=None)

    assert finding.state is State.FAILED
    assert "no inbound trunk" in finding.sentence


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [attrs.evolve(RULE, trunk_ids=("ST_2",))],
        [attrs.evolve(RULE, numbers=(OTHER,))],
    ],
)
def test_without_a_rule_for_the_trunk_the_command_is_named(rules: list[DispatchRule]) -> None:
    found = findings([TRUNK], rules)

    assert states(found) == [(Check.TRUNK, State.OK), (Check.RULE, State.FAILED)]
    assert "backend telephony rules create --trunk ST_1" in found[1].sentence


def test_a_rule_that_dispatches_an_agent_itself_is_a_warning() -> None:
    [_, finding] = findings([TRUNK], [attrs.evolve(RULE, agent_names=("agent-b", "agent-c"))])

    assert (finding.check, finding.state) == (Check.RULE, State.WARNING)
    assert "SDR_1 dispatches agent 'agent-b', 'agent-c' itself" in finding.sentence
    assert "'agent-a'" in finding.sentence


@pytest.mark.parametrize("kind", [RuleKind.DIRECT, RuleKind.CALLEE])
def test_a_rule_that_puts_calls_together_is_a_warning(kind: RuleKind) -> None:
    [_, finding] = findings([TRUNK], [attrs.evolve(RULE, kind=kind)])

    assert (finding.check, finding.state) == (Check.RULE, State.WARNING)


@pytest.mark.parametrize(
    ("rule", "ignored"),
    [
        (RULE, "call-*"),
        (attrs.evolve(RULE, kind=RuleKind.DIRECT, room="lobby"), "lobby"),
        (attrs.evolve(RULE, kind=RuleKind.CALLEE, room="n-"), f"n-{NUMBER}"),
    ],
)
def test_a_rule_whose_rooms_are_ignored_fails(rule: DispatchRule, ignored: str) -> None:
    found = findings([TRUNK], [rule], rooms=["consult-*", ignored])

    assert (found[1].check, found[1].state) == (Check.RULE, State.FAILED)
    assert "ROOM_IGNORE" in found[1].sentence
    assert all(each.state is not State.OK for each in found[1:])


def test_a_trunk_that_is_ignored_fails() -> None:
    [finding, _] = findings([TRUNK], ignored_trunks=["ST_*"])

    assert (finding.check, finding.state) == (Check.TRUNK, State.FAILED)
    assert "TRUNK_IGNORE" in finding.sentence


def test_each_trunk_is_checked_if_no_number_is_given() -> None:
    second = attrs.evolve(TRUNK, id="ST_2", numbers=(OTHER,))

    assert states(findings([TRUNK, second], number=None)) == [
        *GOOD, (Check.TRUNK, State.OK), (Check.RULE, State.FAILED),
    ]  # fmt: skip
