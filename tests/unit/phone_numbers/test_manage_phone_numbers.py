"""Phone numbers: whose they are, which can be stored beside each other, and their changes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from adapters.memory.phone_numbers import MemoryPhoneNumbers
from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.phone_numbers import manage_phone_numbers as module
from domain.phone_numbers.manage_phone_numbers import ManagePhoneNumbers
from domain.phone_numbers.phone_number import PhoneNumber
from domain.shared.errors import Conflict, Forbidden, InvalidInput, NotFound
from domain.shared.identifiers import AgentId
from domain.shared.phone_number_errors import (
    PhoneNumberChanged,
    PhoneNumberLimitReached,
    PhoneNumberTaken,
)
from tests.unit.phone_numbers.numbers import (
    ADMIN,
    ANN,
    ANNS,
    ANNS_OTHER,
    BEN,
    BENS,
    NUMBER,
    OPEN,
    given,
    new_manage,
)
from tests.unit.worlds.fakes import FakeClock

URL = "https://example.com/calls"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ADMIN_ANN = Access(tenant="ann", scopes=frozenset({Scope.ADMIN}))


@pytest.fixture
async def manage() -> ManagePhoneNumbers:
    return await new_manage()


async def test_a_number_belongs_to_its_tenant(manage: ManagePhoneNumbers) -> None:
    number = await manage.create(given(), ADMIN)

    assert (number.number, number.agent_id, number.tenant) == (NUMBER, ANNS, "ann")
    assert await manage.by_number("+1 510 555 0199", ANN) == number
    assert (await manage.page(ANN)).items == [number]
    for use in (manage.by_number(NUMBER, BEN), manage.delete(NUMBER, BEN)):
        with pytest.raises(NotFound):
            await use
    assert (await manage.page(BEN)).items == []


@pytest.mark.parametrize(
    ("agent", "access", "tenant"),
    [(BENS, ADMIN, "ben"), (OPEN, ADMIN, "ops"), (ANNS, SYSTEM, "ann"), (OPEN, SYSTEM, None),
     (OPEN, ADMIN_ANN, "ann")],
)  # fmt: skip
async def test_a_number_that_an_operator_adds_belongs_to_its_agent_s_tenant(
    manage: ManagePhoneNumbers, agent: Any, access: Access, tenant: str | None
) -> None:
    assert (await manage.create(given(agent), access)).tenant == tenant


async def test_another_tenant_s_agent_is_not_there(manage: ManagePhoneNumbers) -> None:
    await manage.create(given(), ADMIN)
    with pytest.raises(NotFound) as refused:
        await manage.change(NUMBER, {"agentId": str(BENS)}, ANN)
    assert refused.value.details["field"] == "agentId"
    with pytest.raises(InvalidInput):
        await manage.change(NUMBER, {"agentId": str(BENS)}, ADMIN)


TRUNKS = (None, "ST_a", "ST_b")


@pytest.mark.parametrize("first", TRUNKS)
@pytest.mark.parametrize("second", TRUNKS)
async def test_two_tenants_cannot_have_a_number_on_the_same_trunk(
    manage: ManagePhoneNumbers, first: str | None, second: str | None
) -> None:
    await manage.create(given(trunkId=first), ADMIN)

    for agent, is_free in (
        (BENS, first != second and None not in (first, second)),
        (ANNS, first != second),
    ):
        separate = await new_manage()
        await separate.create(given(trunkId=first), ADMIN)
        if is_free:
            await separate.create(given(agent, trunkId=second), ADMIN)
            continue
        with pytest.raises(PhoneNumberTaken) as refused:
            await separate.create(given(agent, trunkId=second), ADMIN)
        assert "ann" not in str(refused.value)
        assert refused.value.details == {"field": "number"}


async def test_a_change_cannot_take_another_s_trunk(manage: ManagePhoneNumbers) -> None:
    await manage.create(given(trunkId="ST_a"), ADMIN)
    await manage.create(given(BENS, trunkId="ST_b"), ADMIN)

    for trunk in ("ST_b", None):
        with pytest.raises(PhoneNumberTaken):
            await manage.change(f"{NUMBER}@ST_a", {"trunkId": trunk}, ADMIN)


async def test_of_several_entries_one_is_meant(manage: ManagePhoneNumbers) -> None:
    first = await manage.create(given(trunkId="ST_a"), ADMIN)
    assert await manage.by_number(NUMBER, ANN) == first
    second = await manage.create(given(trunkId="ST_b"), ADMIN)

    with pytest.raises(InvalidInput) as refused:
        await manage.by_number(NUMBER, ANN)
    assert refused.value.details["example"] == f"{NUMBER}@ST_a"
    assert await manage.by_number(f"{NUMBER}@ST_b", ANN) == second
    with pytest.raises(NotFound):
        await manage.by_number(f"{NUMBER}@ST_c", ANN)
    third = await manage.create(given(), ADMIN)
    assert await manage.by_number(NUMBER, ANN) == third


async def test_changes_replace_what_they_name(manage: ManagePhoneNumbers) -> None:
    number = await manage.create(given(preCallWebhook={"url": URL}), ADMIN)
    clock = manage.clock
    assert isinstance(clock, FakeClock)
    assert number.webhook is not None
    assert number.webhook.secret.startswith("whsec_")
    assert number.webhook.secret not in repr(number)
    clock.advance(timedelta(seconds=1))

    changed = (await manage.change(NUMBER, {"agentId": str(ANNS_OTHER)}, ANN)).number
    assert (changed.agent_id, changed.webhook) == (ANNS_OTHER, number.webhook)
    assert changed.updated_at > number.updated_at

    same = await manage.change(NUMBER, {"agentId": str(ANNS_OTHER)}, ANN)
    assert same.number == changed

    moved = await manage.change(NUMBER, {"preCallWebhook": {"url": f"{URL}/b"}}, ANN)
    assert moved.number.webhook is not None
    assert (moved.number.webhook.url, moved.has_new_secret) == (f"{URL}/b", False)
    assert moved.number.webhook.secret == number.webhook.secret

    renewed = await manage.change(NUMBER, {"preCallWebhook": {"secret": None}}, ANN)
    assert renewed.has_new_secret
    assert renewed.number.webhook is not None
    assert renewed.number.webhook.url == f"{URL}/b"

    own = await manage.change(NUMBER, {"preCallWebhook": {"secret": SECRET}}, ANN)
    assert own.number.webhook is not None
    assert own.number.webhook.secret == SECRET

    gone = await manage.change(NUMBER, {"preCallWebhook": None, "trunkId": "ST_a"}, ADMIN)
    assert (gone.number.webhook, gone.number.trunk_id) == (None, "ST_a")


@pytest.mark.parametrize("number", ["+15105550198", "x", None])
async def test_the_number_itself_cannot_be_changed(
    manage: ManagePhoneNumbers, number: str | None
) -> None:
    await manage.create(given(), ADMIN)

    with pytest.raises(InvalidInput) as refused:
        await manage.change(NUMBER, {"number": number}, ANN)
    assert refused.value.details["field"] == "number"


async def test_a_deleted_number_can_be_another_s(manage: ManagePhoneNumbers) -> None:
    await manage.create(given(), ADMIN)
    await manage.delete(NUMBER, ANN)

    assert (await manage.create(given(BENS), ADMIN)).tenant == "ben"


async def test_each_use_needs_its_scope(manage: ManagePhoneNumbers) -> None:
    reader = Access(tenant="ann", scopes=frozenset({Scope.PHONE_NUMBERS_READ}), sees_unowned=False)
    caller = Access(tenant="ann", scopes=WORK, sees_unowned=False)
    number = await manage.create(given(), ADMIN)

    assert await manage.by_number(NUMBER, reader) == number
    for access in (reader, caller):
        for use in (
            manage.create(given(), access),
            manage.change(NUMBER, {}, access),
            manage.delete(NUMBER, access),
        ):
            with pytest.raises(Forbidden):
                await use
    for read in (manage.by_number(NUMBER, caller), manage.page(caller)):
        with pytest.raises(Forbidden):
            await read


async def test_a_tenant_cannot_assign_a_number_to_itself(manage: ManagePhoneNumbers) -> None:
    with pytest.raises(Forbidden, match="admin"):
        await manage.create(given(), ANN)
    await manage.create(given(trunkId="ST_a"), ADMIN)
    for trunk in (None, "ST_b"):
        with pytest.raises(Forbidden, match="admin"):
            await manage.change(NUMBER, {"trunkId": trunk}, ANN)

    same = {"trunkId": "ST_a", "agentId": str(ANNS_OTHER)}
    assert (await manage.change(NUMBER, same, ANN)).number.agent_id == ANNS_OTHER
    await manage.delete(NUMBER, ANN)


async def test_a_tenant_has_a_limit(
    manage: ManagePhoneNumbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_NUMBERS", 1)
    await manage.create(given(), ADMIN)

    with pytest.raises(PhoneNumberLimitReached):
        await manage.create(given(number="+15105550198"), ADMIN)
    await manage.create(given(BENS, number="+15105550198"), ADMIN)


class Rivalled(MemoryPhoneNumbers):
    """Stores a rival's entry between the check and the write."""

    rival: PhoneNumber | None = None

    async def add(self, number: PhoneNumber) -> None:
        await self._rival_adds()
        await super().add(number)

    async def save(self, number: PhoneNumber) -> PhoneNumber:
        await self._rival_adds()
        return await super().save(number)

    async def _rival_adds(self) -> None:
        rival, self.rival = self.rival, None
        if rival is not None:
            await super().add(rival)


async def test_given_a_rival_s_entry_at_the_same_moment_then_the_first_one_stays() -> None:
    numbers = Rivalled()
    manage = await new_manage(numbers=numbers)
    other = await new_manage(ids=manage.ids)
    rival = numbers.rival = await other.create(given(BENS, trunkId="ST_b"), ADMIN)

    with pytest.raises(PhoneNumberTaken):
        await manage.create(given(), ADMIN)
    assert await numbers.of_number(NUMBER, SYSTEM) == [rival]

    await numbers.delete(rival.id, SYSTEM)
    own = await manage.create(given(trunkId="ST_a"), ADMIN)
    numbers.rival = rival
    with pytest.raises(PhoneNumberTaken):
        await manage.change(f"{NUMBER}@ST_a", {"trunkId": None}, ADMIN)
    assert {own, rival} == {*await numbers.of_number(NUMBER, SYSTEM)}


class Changing(MemoryPhoneNumbers):
    async def save(self, number: PhoneNumber) -> PhoneNumber:
        raise Conflict(f"{number.number} has changed.")


async def test_given_others_keep_changing_it_then_the_change_gives_up() -> None:
    manage = await new_manage(numbers=Changing())
    await manage.create(given(), ADMIN)

    with pytest.raises(PhoneNumberChanged):
        await manage.change(NUMBER, {"trunkId": "ST_a"}, ADMIN)


AGENTS = st.sampled_from([ANNS, BENS])


@examples(st.lists(st.tuples(AGENTS, st.sampled_from(TRUNKS)), min_size=1, max_size=8))
async def test_however_numbers_are_added_at_once_no_trunk_has_two_tenants(
    wanted: list[tuple[AgentId, str | None]],
) -> None:
    manage = await new_manage()
    await asyncio.gather(
        *(manage.create(given(agent, trunkId=trunk), ADMIN) for agent, trunk in wanted),
        return_exceptions=True,
    )

    stored = await manage.numbers.of_number(NUMBER, SYSTEM)
    assert stored
    for trunk in TRUNKS[1:]:
        assert len({one.tenant for one in stored if one.answers(trunk)}) <= 1
