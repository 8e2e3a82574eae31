"""Dispatch rules are created once, and their settings are checked."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.phonenumbers.phone_numbers import normalised
from domain.access.access import SYSTEM, WORK, Access
from domain.shared.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from domain.shared.livekit_errors import LiveKitRefused
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.manage_dispatch_rules import CreateDispatchRuleCommand, ManageDispatchRules
from tests.unit.trunks.fake_sip import FakeDispatchRules

NUMBER = "+15105550100"


@pytest.fixture
def rules() -> FakeDispatchRules:
    return FakeDispatchRules()


@pytest.fixture
def manage(rules: FakeDispatchRules) -> ManageDispatchRules:
    return ManageDispatchRules(rules, normalised)


def command(**more: Any) -> CreateDispatchRuleCommand:
    return CreateDispatchRuleCommand(**more)


async def test_given_no_settings_then_each_call_gets_a_room_of_its_own(
    manage: ManageDispatchRules,
) -> None:
    created = await manage.create(command(), SYSTEM)

    assert created.is_new
    assert created.rule == DispatchRule(id="SDR_1", kind=RuleKind.INDIVIDUAL, room="call-")
    assert (await manage.page(SYSTEM)).items == [created.rule]


async def test_given_a_room_name_then_all_calls_come_into_it(manage: ManageDispatchRules) -> None:
    created = await manage.create(command(room_name="lobby", pin="1234"), SYSTEM)

    assert (created.rule.kind, created.rule.room) == (RuleKind.DIRECT, "lobby")
    assert "1234" not in repr(created)


async def test_given_a_rule_when_it_is_created_again_then_it_is_returned(
    manage: ManageDispatchRules, rules: FakeDispatchRules
) -> None:
    first = await manage.create(command(trunk_ids=["ST_1", "ST_2"], name="one"), SYSTEM)
    again = await manage.create(command(trunk_ids=["ST_2", "ST_1"], name="two"), SYSTEM)

    assert (again.is_new, again.rule) == (False, first.rule)
    assert len(rules.kept) == 1


async def test_given_another_process_creates_it_first_then_its_rule_is_returned(
    manage: ManageDispatchRules, rules: FakeDispatchRules
) -> None:
    same = DispatchRule(kind=RuleKind.INDIVIDUAL, room="call-")
    rules.before_create = lambda: rules.keep(same)

    assert (await manage.create(command(), SYSTEM)).rule.id == "SDR_1"


async def test_given_livekit_refuses_for_another_reason_then_the_refusal_is_raised(
    manage: ManageDispatchRules, rules: FakeDispatchRules
) -> None:
    def refuse() -> None:
        raise LiveKitRefused("too many rules")

    rules.before_create = refuse

    with pytest.raises(LiveKitRefused, match="too many rules"):
        await manage.create(command(), SYSTEM)


async def test_given_a_rule_for_the_same_calls_then_it_is_named(
    manage: ManageDispatchRules,
) -> None:
    await manage.create(command(trunk_ids=["ST_1"]), SYSTEM)

    with pytest.raises(AlreadyExists, match="SDR_1"):
        await manage.create(command(trunk_ids=["ST_1"], room_name="lobby"), SYSTEM)

    for other in ({}, {"trunk_ids": ["ST_2"]}, {"trunk_ids": ["ST_1"], "numbers": [NUMBER]}):
        assert (await manage.create(command(**other), SYSTEM)).is_new


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"room_name": "lobby", "room_prefix": "call-"}, "roomName"),
        ({"room_name": "x" * 129}, "roomName"),
        ({"room_prefix": "a\x00b"}, "roomPrefix"),
        ({"pin": "12a4"}, "pin"),
        ({"pin": "1" * 33}, "pin"),
        ({"trunk_ids": [" "]}, "trunkIds"),
        ({"trunk_ids": ["ST_1"] * 101}, "trunkIds"),
        ({"numbers": ["alice"]}, "numbers"),
        ({"caller_numbers": ["5105550100"]}, "callerNumbers"),
        ({"name": "x" * 129}, "name"),
    ],
)
async def test_a_wrong_setting_is_named_and_nothing_is_created(
    manage: ManageDispatchRules, rules: FakeDispatchRules, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as info:
        await manage.create(command(**more), SYSTEM)

    assert info.value.details["field"] == field
    assert rules.kept == []


async def test_given_a_rule_when_it_is_deleted_twice_then_it_is_not_found(
    manage: ManageDispatchRules,
) -> None:
    created = await manage.create(command(), SYSTEM)
    await manage.delete(created.rule.id, SYSTEM)

    with pytest.raises(NotFound):
        await manage.delete(created.rule.id, SYSTEM)


async def test_without_the_scope_admin_nothing_is_shown_and_nothing_changes(
    manage: ManageDispatchRules, rules: FakeDispatchRules
) -> None:
    access = Access(tenant="ann", scopes=WORK, sees_unowned=True)
    for attempt in (
        manage.page(access), manage.create(command(), access), manage.delete("SDR_1", access),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await attempt
    assert rules.kept == []


@pytest.mark.parametrize(
    ("kind", "room"),
    [
        (RuleKind.INDIVIDUAL, "call-_+15105550100_4xQb7LmTzR2k"),
        (RuleKind.DIRECT, "call-"),
        (RuleKind.CALLEE, "call-+442079460018"),
    ],
)
def test_a_rule_names_rooms_as_livekit_does(kind: RuleKind, room: str) -> None:
    assert DispatchRule(kind=kind, room="call-").room_of(NUMBER, "+442079460018") == room
