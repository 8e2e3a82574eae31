"""Pages of trunks and dispatch rules: every item once, and never many of them in memory."""

from __future__ import annotations

import base64
from functools import partial

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.livekit.id_pages import cut
from adapters.phonenumbers.phone_numbers import normalised
from domain.access.access import SYSTEM
from domain.shared.errors import AlreadyExists, InvalidInput, NotFound
from domain.shared.pagination import MAX_LIMIT, Cursor
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.id_page import IdPosition, each, read_id_page
from domain.trunks.manage_dispatch_rules import CreateDispatchRuleCommand, ManageDispatchRules
from domain.trunks.manage_trunks import CreateTrunkCommand, ManageTrunks
from domain.trunks.trunk import Trunk, TrunkDirection
from tests.unit.trunks.fake_sip import FakeDispatchRules, FakeTrunks
from tests.unit.worlds.fakes import NOON

MANY = 450


def many_trunks() -> FakeTrunks:
    trunks = FakeTrunks()
    for number in range(MANY):
        direction = TrunkDirection.OUTBOUND if number % 3 else TrunkDirection.INBOUND
        trunks.keep(Trunk(direction=direction, numbers=(f"+1510{number:07}",)))
    return trunks


@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_every_trunk_is_on_one_page(limit: int) -> None:
    trunks = many_trunks()
    manage, found, after = ManageTrunks(trunks, normalised), list[Trunk](), None
    while True:
        page = await manage.page(None, SYSTEM, after, limit)
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            break
        after = IdPosition.parse(page.next.cursor)

    assert found == sorted(trunks.kept, key=lambda one: one.id)
    assert max(trunks.limits) == limit + 1


async def test_what_is_created_or_deleted_meanwhile_moves_nothing_else() -> None:
    trunks = many_trunks()
    first = await read_id_page(partial(trunks.page, None), None, 100)
    gone = first.items[-1]
    await trunks.delete(gone.id)
    trunks.kept.append(Trunk(id="ST_Z", direction=TrunkDirection.INBOUND))

    second = await read_id_page(partial(trunks.page, None), first.next, MANY)

    ids = [one.id for one in (*first.items, *second.items)]
    assert len(ids) == len(set(ids))
    assert {one.id for one in trunks.kept} <= set(ids)


async def test_creating_and_deleting_look_at_all_and_hold_one_page_at_a_time() -> None:
    trunks, rules = many_trunks(), FakeDispatchRules()
    for number in range(MANY):
        rules.keep(DispatchRule(kind=RuleKind.INDIVIDUAL, numbers=(f"+1510{number:07}",)))
    last = max((one for one in trunks.kept if one.numbers), key=lambda one: one.id)
    manage_trunks = ManageTrunks(trunks, normalised)
    manage_rules = ManageDispatchRules(rules, normalised)
    wanted = attrs.evolve(last, direction=TrunkDirection.INBOUND)
    inbound = max(
        (one for one in trunks.kept if one.direction is TrunkDirection.INBOUND),
        key=lambda one: one.id,
    )

    command = CreateTrunkCommand(direction=TrunkDirection.INBOUND, numbers=inbound.numbers)
    assert not (await manage_trunks.create(command, SYSTEM)).is_new
    with pytest.raises(AlreadyExists, match=inbound.id):
        await manage_trunks.create(attrs.evolve(command, allowed_addresses=["10.0.0.1"]), SYSTEM)
    rule = max(rules.kept, key=lambda one: one.id)
    with pytest.raises(AlreadyExists, match=rule.id):
        await manage_rules.create(CreateDispatchRuleCommand(numbers=rule.numbers), SYSTEM)
    await manage_trunks.delete(wanted.id, SYSTEM)
    await manage_rules.delete(rule.id, SYSTEM)
    with pytest.raises(NotFound):
        await manage_rules.delete(rule.id, SYSTEM)

    assert set(trunks.limits) == set(rules.limits) == {MAX_LIMIT}
    assert len(trunks.kept) == len(rules.kept) == MANY - 1


@given(st.lists(st.text("abcXYZ_019", min_size=1, max_size=5), unique=True), st.integers(1, 5))
async def test_a_server_that_lists_everything_gives_the_same_pages(
    ids: list[str], limit: int
) -> None:
    kept = [Trunk(id=one, direction=TrunkDirection.INBOUND) for one in ids]

    async def page(after: str, limit: int) -> list[Trunk]:
        return cut(kept, after, limit)

    assert [one.id async for one in each(page)] == sorted(ids)
    assert len((await read_id_page(page, None, limit)).items) <= limit


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "====",
        "é",
        "a" * 5_000,
        Cursor(NOON, "01890a5d-ac96-774b-bcce-b302099a8057").cursor,
        base64.urlsafe_b64encode(b"after:").decode(),
        base64.urlsafe_b64encode(b"after:a b").decode(),
        base64.urlsafe_b64encode(b"after:" + b"x" * 129).decode(),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput, match="nextCursor") as caught:
        IdPosition.parse(cursor)

    assert caught.value.details["field"] == "cursor"


@given(st.text("ABCxyz_-.0189", min_size=1, max_size=128))
def test_a_cursor_is_read_as_it_was_written(last: str) -> None:
    assert IdPosition.parse(IdPosition(last).cursor) == IdPosition(last)
