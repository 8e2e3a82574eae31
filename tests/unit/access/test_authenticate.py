"""API keys: who presents one, what it opens, and how keys are made, replaced and revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from adapters.memory.api_keys import MemoryApiKeys
from adapters.system.keys import RandomKeys
from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.access.api_key import ApiKey, FixedKey, digest, parse_scopes, prefix_of
from domain.access.authenticate import NOTED_EVERY, REMEMBERED, Authenticate
from domain.access.manage_keys import CreateKeyCommand, MadeKey, ManageKeys
from domain.shared.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    Unauthenticated,
)
from tests.unit.worlds.fakes import FakeClock, SequentialIds

FIXED = "a-fixed-key-of-the-deployment"
A_WHILE = timedelta(seconds=1)


class CountedKeys(MemoryApiKeys):
    """Counts what is asked, and breaks on order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.broken = False

    def _count(self, what: str) -> None:
        self.asked.append(what)
        if self.broken:
            raise StorageUnavailable("The ledger is broken.")

    async def find(self, prefix: str) -> ApiKey | None:
        self._count("find")
        return await super().find(prefix)

    async def any(self) -> bool:
        self._count("any")
        return await super().any()

    async def used(self, prefix: str, at: datetime) -> None:
        self._count("used")
        await super().used(prefix, at)


class Keys:
    """A service's keys."""

    def __init__(self, *fixed: FixedKey) -> None:
        self.stored = CountedKeys()
        self.clock = FakeClock()
        self.manage = ManageKeys(
            keys=self.stored, maker=RandomKeys(), clock=self.clock, ids=SequentialIds()
        )
        self.authenticate = Authenticate(keys=self.stored, fixed=fixed, clock=self.clock)

    async def made(self, name: str = "acme", **wanted: object) -> MadeKey:
        made = await self.manage.create(CreateKeyCommand(name=name, **wanted), SYSTEM)  # type: ignore[arg-type]
        self.clock.advance(REMEMBERED)  # by then every process knows that there is a key
        return made

    async def refuses(self, presented: str | None) -> str:
        with pytest.raises(Unauthenticated) as caught:
            await self.authenticate(presented)
        return str(caught.value)


@pytest.fixture
def keys() -> Keys:
    return Keys()


async def test_without_any_key_everybody_may_do_everything(keys: Keys) -> None:
    assert await keys.authenticate(None) == SYSTEM
    assert await keys.authenticate("whatever") == SYSTEM


async def test_once_there_is_a_key_only_it_opens_anything(keys: Keys) -> None:
    made = await keys.made()

    access = await keys.authenticate(made.text)

    assert access == Access(tenant=made.key.tenant, scopes=WORK, sees_unowned=False)
    assert "is needed" in await keys.refuses(None)
    assert "is needed" in await keys.refuses("")
    for wrong in ("x", made.key.prefix, made.text[:-1], made.text + "x", made.text.upper()):
        assert "unknown, expired or revoked" in await keys.refuses(wrong)


async def test_a_key_of_the_same_prefix_and_another_secret_opens_nothing(keys: Keys) -> None:
    made = await keys.made()
    forged = f"{made.key.prefix}_{'A' * 43}"

    assert prefix_of(forged) == made.key.prefix
    await keys.refuses(forged)


@pytest.mark.parametrize("more", [timedelta(), A_WHILE])
async def test_a_key_that_is_only_made_is_heard_of_within_seconds(
    keys: Keys, more: timedelta
) -> None:
    assert await keys.authenticate(None) == SYSTEM
    await keys.manage.create(CreateKeyCommand(name="acme"), SYSTEM)
    assert await keys.authenticate(None) == SYSTEM  # asked a moment ago

    keys.clock.advance(REMEMBERED + more)

    await keys.refuses(None)


async def test_a_request_with_the_first_key_is_the_key_s_at_once(keys: Keys) -> None:
    assert await keys.authenticate(None) == SYSTEM
    made = await keys.manage.create(CreateKeyCommand(name="acme"), SYSTEM)

    access = await keys.authenticate(made.text)

    assert access == made.key.access != SYSTEM
    await keys.refuses(None)


async def test_the_storage_is_not_asked_at_each_request(keys: Keys) -> None:
    made = await keys.made()
    for _ in range(10):
        await used(keys, made.text)

    assert keys.stored.asked == ["any", "find", "used"]


@pytest.mark.parametrize("more", [timedelta(), A_WHILE])
async def test_a_revoked_key_opens_nothing_after_five_seconds(keys: Keys, more: timedelta) -> None:
    made = await keys.made()
    await keys.authenticate(made.text)

    await keys.manage.revoke(made.key.prefix, SYSTEM)
    keys.clock.advance(REMEMBERED + more)

    await keys.refuses(made.text)
    await keys.refuses(None)  # and the service is not open again


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
async def test_given_a_clock_that_steps_then_a_revoked_key_opens_nothing_after_five_seconds(
    keys: Keys, step: timedelta
) -> None:
    made = await keys.made()
    await keys.authenticate(made.text)
    await keys.manage.revoke(made.key.prefix, SYSTEM)

    keys.clock.step(step)
    keys.clock.advance(REMEMBERED)

    await keys.refuses(made.text)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
async def test_given_a_clock_that_steps_then_the_first_key_is_heard_of_within_seconds(
    keys: Keys, step: timedelta
) -> None:
    assert await keys.authenticate(None) == SYSTEM
    await keys.manage.create(CreateKeyCommand(name="acme"), SYSTEM)

    keys.clock.step(step)
    keys.clock.advance(REMEMBERED)

    await keys.refuses(None)


async def test_an_expired_key_opens_nothing_from_that_moment_on(keys: Keys) -> None:
    made = await keys.made(lasts=timedelta(hours=1))
    keys.clock.advance(timedelta(hours=1) - REMEMBERED - timedelta(milliseconds=1))
    await keys.authenticate(made.text)

    keys.clock.advance(timedelta(milliseconds=1))

    await keys.refuses(made.text)


async def test_a_rotated_key_is_of_the_same_tenant_and_both_work_meanwhile(keys: Keys) -> None:
    old = await keys.made(scopes=frozenset({Scope.CALLS_READ}), tenant="acme")

    new = await keys.manage.rotate(old.key.prefix, timedelta(hours=1), timedelta(days=9), SYSTEM)

    assert (new.key.tenant, new.key.scopes, new.key.name) == ("acme", old.key.scopes, "acme")
    assert new.key.expires_at == keys.clock.now() + timedelta(days=9)
    assert await keys.authenticate(old.text) == await keys.authenticate(new.text)
    keys.clock.advance(timedelta(hours=1))
    await keys.refuses(old.text)
    assert (await keys.authenticate(new.text)).tenant == "acme"


async def test_rotation_does_not_prolong_a_key(keys: Keys) -> None:
    old = await keys.made(lasts=timedelta(hours=1))

    await keys.manage.rotate(old.text, timedelta(days=1), None, SYSTEM)
    keys.clock.advance(timedelta(hours=1))

    await keys.refuses(old.text)


async def test_what_no_longer_works_is_not_rotated_and_what_is_not_there_neither(
    keys: Keys,
) -> None:
    made = await keys.made()
    await keys.manage.revoke(made.key.prefix, SYSTEM)

    with pytest.raises(InvalidInput, match="has expired or was revoked"):
        await keys.manage.rotate(made.key.prefix, timedelta(), None, SYSTEM)
    for change in (
        keys.manage.rotate("blk_nobodyknows1", timedelta(), None, SYSTEM),
        keys.manage.revoke("blk_nobodyknows1", SYSTEM),
    ):
        with pytest.raises(NotFound, match="There is no key blk_nobodyknows1;"):
            await change


async def used(keys: Keys, text: str) -> Access:
    """What the key grants, once its use is noted."""
    access = await keys.authenticate(text)
    await keys.authenticate.settled()
    return access


async def test_no_request_waits_until_the_key_s_use_is_noted(keys: Keys) -> None:
    made, noted = await keys.made(), asyncio.Event()
    real = keys.stored.used

    async def slow(prefix: str, at: datetime) -> None:
        await noted.wait()
        await real(prefix, at)

    keys.stored.used = slow  # type: ignore[method-assign]
    await keys.authenticate(made.text)
    assert [key.last_used_at for key in await keys.manage.all(SYSTEM)] == [None]

    noted.set()
    await keys.authenticate.settled()

    assert [key.last_used_at for key in await keys.manage.all(SYSTEM)] == [keys.clock.now()]


async def test_a_key_s_last_use_is_noted_once_a_minute(keys: Keys) -> None:
    made = await keys.made()
    first = keys.clock.now()
    await used(keys, made.text)
    keys.clock.advance(NOTED_EVERY - timedelta(seconds=1))
    await used(keys, made.text)
    assert [key.last_used_at for key in await keys.manage.all(SYSTEM)] == [first]

    keys.clock.advance(timedelta(seconds=1))
    await used(keys, made.text)

    assert [key.last_used_at for key in await keys.manage.all(SYSTEM)] == [keys.clock.now()]


async def test_a_use_is_noted_also_after_a_long_rest(keys: Keys) -> None:
    made = await keys.made()
    await used(keys, made.text)

    keys.clock.advance(NOTED_EVERY + A_WHILE)
    await used(keys, made.text)

    assert [key.last_used_at for key in await keys.manage.all(SYSTEM)] == [keys.clock.now()]


async def test_a_use_that_cannot_be_noted_is_no_reason_to_refuse_it(keys: Keys) -> None:
    made = await keys.made()
    real = keys.stored.used

    async def broken(prefix: str, at: datetime) -> None:
        raise StorageUnavailable("The ledger is broken.")

    keys.stored.used = broken  # type: ignore[method-assign]
    assert (await used(keys, made.text)).tenant == made.key.tenant
    keys.stored.used = real  # type: ignore[method-assign]
    await used(keys, made.text)

    assert [key.last_used_at for key in await keys.manage.all(SYSTEM)] == [keys.clock.now()]


async def test_without_the_storage_nobody_is_let_in_unasked(keys: Keys) -> None:
    made = await keys.made()
    keys.stored.broken = True

    with pytest.raises(StorageUnavailable):
        await keys.authenticate(made.text)


async def test_without_the_storage_the_last_access_that_was_granted_is_still_known(
    keys: Keys,
) -> None:
    assert keys.authenticate.last_known(None) is None  # the storage was not asked yet
    assert await keys.authenticate(None) == SYSTEM
    assert keys.authenticate.last_known(None) == SYSTEM
    made = await keys.made(lasts=timedelta(days=1))
    access = await keys.authenticate(made.text)
    keys.stored.broken = True

    assert keys.authenticate.last_known(made.text) == access
    for other in (None, "", "x", f"{made.key.prefix}_{'A' * 43}"):
        assert keys.authenticate.last_known(other) is None
    keys.clock.advance(timedelta(days=1))
    assert keys.authenticate.last_known(made.text) is None  # it has expired


async def test_without_the_storage_a_service_with_fixed_keys_is_not_open() -> None:
    keys = Keys(FixedKey(tenant="acme", digest=digest(FIXED)))

    assert keys.authenticate.last_known(None) is None


async def test_fixed_keys_open_without_the_storage_and_see_what_is_nobody_s() -> None:
    keys = Keys(FixedKey(tenant="acme", digest=digest(FIXED)))
    keys.stored.broken = True

    access = await keys.authenticate(FIXED)

    assert access == Access(tenant="acme", scopes=WORK, sees_unowned=True)
    assert keys.stored.asked == []
    await keys.refuses("another-key-of-the-deployment")
    await keys.refuses(None)


async def test_only_the_digest_of_a_key_is_kept(keys: Keys) -> None:
    made = await keys.made()
    secret = made.text.removeprefix(f"{made.key.prefix}_")

    assert len(secret) == 43
    assert secret not in repr(await keys.manage.all(SYSTEM))
    assert made.key.digest == digest(made.text)


async def test_two_keys_have_nothing_in_common(keys: Keys) -> None:
    first, second = await keys.made(), await keys.made()

    assert first.key.prefix != second.key.prefix
    assert first.text[17:] != second.text[17:]
    assert first.key.tenant != second.key.tenant


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (lambda: CreateKeyCommand(name=" "), "name"),
        (lambda: CreateKeyCommand(name="n" * 129), "name"),
        (lambda: CreateKeyCommand(name="a\nb"), "name"),
        (lambda: CreateKeyCommand(name="a", tenant=""), "tenant"),
        (lambda: CreateKeyCommand(name="a", scopes=frozenset()), "scope"),
        (lambda: CreateKeyCommand(name="a", lasts=timedelta()), "expires"),
        (lambda: CreateKeyCommand(name="a", lasts=timedelta(days=-1)), "expires"),
    ],
)
async def test_a_wrong_wish_names_the_field(
    keys: Keys, command: Callable[[], CreateKeyCommand], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await keys.manage.create(command(), SYSTEM)

    assert caught.value.details["field"] == field
    assert await keys.manage.all(SYSTEM) == []


async def test_the_longest_name_is_taken(keys: Keys) -> None:
    assert (await keys.made("n" * 128)).key.name == "n" * 128


async def test_given_a_key_without_the_scope_admin_then_keys_are_neither_shown_nor_changed(
    keys: Keys,
) -> None:
    made = await keys.made(tenant="acme")
    own = await keys.authenticate(made.text)

    for use in (
        keys.manage.create(CreateKeyCommand(name="more", tenant="acme"), own),
        keys.manage.rotate(made.key.prefix, timedelta(), None, own),
        keys.manage.revoke(made.key.prefix, own),
        keys.manage.all(own),
    ):
        with pytest.raises(Forbidden, match="admin"):
            await use
    assert [key.prefix for key in await keys.manage.all(SYSTEM)] == [made.key.prefix]
    assert await keys.authenticate(made.text) == own


def test_scopes_are_known_by_name() -> None:
    assert parse_scopes(["calls:read", "admin"]) == {Scope.CALLS_READ, Scope.ADMIN}
    known = ", ".join(Scope)
    assert known.endswith("webhooks:write, admin")
    with pytest.raises(InvalidInput, match=known):
        parse_scopes(["calls:reed"])


def test_admin_may_everything_and_sees_everybody() -> None:
    admin = Access(tenant="ops", scopes=frozenset({Scope.ADMIN}), sees_unowned=False)
    worker = Access(tenant="acme", scopes=frozenset({Scope.CALLS_READ}), sees_unowned=False)

    assert all(admin.may(scope) for scope in Scope)
    assert [scope for scope in Scope if worker.may(scope)] == [Scope.CALLS_READ]
    assert all(admin.sees(tenant) for tenant in (None, "ops", "acme"))
    assert [tenant for tenant in (None, "ops", "acme") if worker.sees(tenant)] == ["acme"]


async def test_a_key_is_known_once_it_came_here_and_a_guess_is_not(keys: Keys) -> None:
    made = await keys.made()
    assert not keys.authenticate.knows(made.text)
    await keys.authenticate(made.text)
    asked = list(keys.stored.asked)

    assert keys.authenticate.knows(made.text)
    for guess in (f"{made.key.prefix}_a-guess", made.text + "x", "x", ""):
        assert not keys.authenticate.knows(guess)
    assert keys.stored.asked == asked


def test_a_fixed_key_is_always_known() -> None:
    keys = Keys(FixedKey(tenant="acme", digest=digest(FIXED)))

    assert keys.authenticate.knows(FIXED)
    assert not keys.authenticate.knows(FIXED + "x")
