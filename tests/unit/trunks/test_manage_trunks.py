"""Trunks are created once, and their settings are checked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.phonenumbers.phone_numbers import normalised
from domain.access.access import SYSTEM, WORK, Access
from domain.shared.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from domain.shared.livekit_errors import LiveKitRefused
from domain.trunks.manage_trunks import CreateTrunkCommand, ManageTrunks
from domain.trunks.trunk import Transport, Trunk, TrunkDirection
from tests.unit.trunks.fake_sip import FakeTrunks

NUMBER = "+15105550100"
OUTBOUND = {"direction": TrunkDirection.OUTBOUND, "address": "sip.provider.example"}


@pytest.fixture
def trunks() -> FakeTrunks:
    return FakeTrunks()


@pytest.fixture
def manage(trunks: FakeTrunks) -> ManageTrunks:
    return ManageTrunks(trunks, normalised)


def command(**more: Any) -> CreateTrunkCommand:
    return CreateTrunkCommand(**{"direction": TrunkDirection.INBOUND, "numbers": [NUMBER], **more})


async def test_given_no_trunk_when_one_is_created_then_it_is_listed(manage: ManageTrunks) -> None:
    created = await manage.create(command(name=" Main line "), SYSTEM)

    assert created.is_new
    assert created.trunk == Trunk(
        id="ST_1", direction=TrunkDirection.INBOUND, name="Main line", numbers=(NUMBER,)
    )
    assert (await manage.page(None, SYSTEM)).items == [created.trunk]
    assert (await manage.page(TrunkDirection.INBOUND, SYSTEM)).items == [created.trunk]
    assert (await manage.page(TrunkDirection.OUTBOUND, SYSTEM)).items == []


@pytest.mark.parametrize("more", [{}, OUTBOUND], ids=["inbound", "outbound"])
async def test_given_a_trunk_when_it_is_created_again_then_it_is_returned(
    manage: ManageTrunks, trunks: FakeTrunks, more: dict[str, Any]
) -> None:
    numbers = [NUMBER, "+442079460018"]
    first = await manage.create(command(**more, numbers=numbers, name="one"), SYSTEM)
    again = await manage.create(command(**more, numbers=numbers[::-1], name="two"), SYSTEM)

    assert not again.is_new
    assert again.trunk == first.trunk
    assert len(trunks.kept) == 1


@pytest.mark.parametrize("more", [{}, OUTBOUND], ids=["inbound", "outbound"])
async def test_given_many_requests_at_once_then_one_trunk_is_created(
    manage: ManageTrunks, trunks: FakeTrunks, more: dict[str, Any]
) -> None:
    made = await asyncio.gather(*(manage.create(command(**more), SYSTEM) for _ in range(8)))

    assert sorted(each.is_new for each in made) == [False] * 7 + [True]
    assert len(trunks.kept) == 1


async def test_given_another_process_creates_it_first_then_its_trunk_is_returned(
    manage: ManageTrunks, trunks: FakeTrunks
) -> None:
    same = Trunk(direction=TrunkDirection.INBOUND, numbers=(NUMBER,))
    trunks.before_create = lambda: trunks.keep(same)

    created = await manage.create(command(), SYSTEM)

    assert (created.is_new, created.trunk.id) == (False, "ST_1")


async def test_given_livekit_refuses_for_another_reason_then_the_refusal_is_raised(
    manage: ManageTrunks, trunks: FakeTrunks
) -> None:
    def refuse() -> None:
        raise LiveKitRefused("too many trunks")

    trunks.before_create = refuse

    with pytest.raises(LiveKitRefused, match="too many trunks"):
        await manage.create(command(), SYSTEM)


async def test_given_a_number_has_a_trunk_with_other_settings_then_it_is_named(
    manage: ManageTrunks,
) -> None:
    await manage.create(command(auth_username="user", auth_password="one"), SYSTEM)

    with pytest.raises(AlreadyExists, match="ST_1") as info:
        await manage.create(command(auth_username="user", auth_password="two"), SYSTEM)

    assert info.value.details == {"field": "numbers", "trunkId": "ST_1"}
    assert "two" not in str(info.value)


async def test_given_other_callers_then_two_trunks_share_a_number(manage: ManageTrunks) -> None:
    await manage.create(command(), SYSTEM)
    created = await manage.create(command(allowed_numbers=["+442079460018"]), SYSTEM)

    assert created.is_new


async def test_given_a_trunk_when_it_is_deleted_twice_then_it_is_not_found(
    manage: ManageTrunks,
) -> None:
    created = await manage.create(command(), SYSTEM)
    await manage.delete(created.trunk.id, SYSTEM)

    for unknown in (created.trunk.id, "", "SDR_1", "x" * 10_000, "ST_\x00"):
        with pytest.raises(NotFound):
            await manage.delete(unknown, SYSTEM)


@pytest.mark.parametrize(
    "given",
    [
        "+15105550100", "+1 510 555 0100", "+1 (510) 555-0100", "+1-510-555-0100",
        "+1.510.555.0100", "++15105550100", "+15105550100\x00",
        " +15105550100 ", "0015105550100", "00 1 510 555 0100", "tel:+15105550100",
        "sip:+15105550100@carrier.example", "sips:+15105550100@carrier.example;user=phone",
        "<sip:+15105550100@carrier.example>", "tel:+1-510-555-0100",
        "+1\u00a0510\u00a0555\u00a00100", "\uff0b15105550100", "sip:%2B15105550100@carrier.example",
    ],
)  # fmt: skip
async def test_a_number_is_kept_in_e164_however_it_is_written(
    manage: ManageTrunks, given: str
) -> None:
    created = await manage.create(command(numbers=[given, NUMBER]), SYSTEM)

    assert created.trunk.numbers == (NUMBER,)


@pytest.mark.parametrize(
    "given",
    [
        "", " ", "5105550100", "(510) 555-0100", "510-555-0100", "+", "+1",
        "+0015105550100", "anonymous", "restricted", "+266696687", "*", "x",
        "+1510555010x" * 12, "+15105550100" * 20, "sip:alice@carrier.example", "tel:", "1001",
        "'; DROP TABLE calls; --", "+1 510", "🙂",
    ],
)  # fmt: skip
async def test_what_is_no_number_with_a_country_code_is_refused(
    manage: ManageTrunks, given: str
) -> None:
    with pytest.raises(InvalidInput) as info:
        await manage.create(command(numbers=[given]), SYSTEM)

    assert (info.value.details["field"], info.value.details["example"]) == ("numbers", NUMBER)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"numbers": []}, "numbers"),
        ({"numbers": [NUMBER] * 101}, "numbers"),
        ({"name": "x" * 129}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"auth_username": "user"}, "authPassword"),
        ({"auth_password": "secret"}, "authUsername"),
        ({"auth_username": "u\x00", "auth_password": "secret"}, "authUsername"),
        ({"address": "sip.provider.example"}, "address"),
        ({"transport": Transport.TLS}, "transport"),
        ({"allowed_numbers": ["alice"]}, "allowedNumbers"),
        ({"allowed_addresses": [""]}, "allowedAddresses"),
        ({"allowed_addresses": ["192.0.2.1"] * 101}, "allowedAddresses"),
        ({**OUTBOUND, "address": ""}, "address"),
        ({**OUTBOUND, "address": "sip:user@provider.example"}, "address"),
        ({**OUTBOUND, "address": "SIP:provider.example"}, "address"),
        ({**OUTBOUND, "address": "provider.example;transport=tcp"}, "address"),
        ({**OUTBOUND, "address": "a b"}, "address"),
        ({**OUTBOUND, "address": "x" * 129}, "address"),
        ({**OUTBOUND, "allowed_numbers": [NUMBER]}, "allowedNumbers"),
        ({**OUTBOUND, "allowed_addresses": ["192.0.2.1"]}, "allowedAddresses"),
    ],
)
async def test_a_wrong_setting_is_named_and_nothing_is_created(
    manage: ManageTrunks, trunks: FakeTrunks, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as info:
        await manage.create(command(**more), SYSTEM)

    assert info.value.details["field"] == field
    assert "secret" not in str(info.value)
    assert trunks.kept == []


async def test_without_the_scope_admin_nothing_is_shown_and_nothing_changes(
    manage: ManageTrunks, trunks: FakeTrunks
) -> None:
    access = Access(tenant="ann", scopes=WORK, sees_unowned=True)
    for attempt in (
        manage.page(None, access), manage.create(command(), access), manage.delete("ST_1", access),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await attempt
    assert trunks.kept == []


def test_no_secret_is_in_the_text_of_a_command() -> None:
    assert "secret" not in repr(command(auth_username="user", auth_password="secret"))
