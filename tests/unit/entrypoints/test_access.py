"""Who has used up their requests is refused by what the process remembers, asking nobody."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.livekit.tokens import TokenFactory
from adapters.livekit.worker_verifier import LiveKitWorkerVerifier
from adapters.memory.api_keys import MemoryApiKeys
from adapters.memory.publishable_keys import MemoryPublishableKeys
from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.memory.tickets import MemoryTickets
from adapters.system.console_signer import HmacConsoleSigner
from adapters.system.keys import RandomKeys
from adapters.system.ticket_signer import HmacTicketSigner
from domain.access.access import SYSTEM, Scope
from domain.access.api_key import ApiKey, FixedKey, digest
from domain.access.authenticate import REMEMBERED, Authenticate
from domain.access.authenticate_client import AuthenticateClient
from domain.access.client_limit import ClientLimit
from domain.access.manage_console_sessions import ManageConsoleSessions
from domain.access.manage_keys import CreateKeyCommand, ManageKeys
from domain.access.rate_limit import WINDOW, Bucket, Permit
from domain.shared.errors import Forbidden, RateLimited, StorageUnavailable, Unauthenticated
from domain.tickets.authenticate_ticket import AuthenticateTicket
from entrypoints.http.middleware import limits as limits_module
from entrypoints.http.middleware.access import Clients, admission
from entrypoints.http.middleware.limits import Limits, rate_limit_headers
from entrypoints.settings.origins import matcher
from tests.unit.worlds.fakes import FakeClock, SequentialIds

LIMIT = 3
SIGNER = HmacTicketSigner("a-secret")
FIXED = "a-fixed-key-of-the-deployment"


class Storage(MemoryApiKeys):
    """Keys and counted requests, each question noted."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.counts = MemoryRateLimiter(LIMIT)
        self.broken = False

    async def any(self) -> bool:
        if self.broken:
            raise StorageUnavailable("The ledger is broken.")
        return await super().any()

    async def find(self, prefix: str) -> ApiKey | None:
        self.asked.append("find")
        if self.broken:
            raise StorageUnavailable("The ledger is broken.")
        return await super().find(prefix)

    async def take(self, bucket: Bucket, now: datetime) -> Permit:
        self.asked.append("take")
        if self.broken:
            raise StorageUnavailable("The ledger is broken.")
        return await self.counts.take(bucket, now)

    async def prune(self, before: datetime) -> int:
        return await self.counts.prune(before)


class Door:
    """A service's admission."""

    def __init__(self) -> None:
        self.storage, self.clock = Storage(), FakeClock()
        fixed = FixedKey(tenant="house", digest=digest(FIXED))
        authenticate = Authenticate(keys=self.storage, fixed=[fixed], clock=self.clock)
        limits = Limits(limiter=self.storage, clock=self.clock, per_minute=LIMIT, trusted_proxies=0)
        limit = ClientLimit(limiter=self.storage, clock=self.clock, most_per_minute=LIMIT)
        authenticate_client = AuthenticateClient(
            keys=MemoryPublishableKeys(),
            limit=limit,
            match_origin=matcher,
            clock=self.clock,
        )
        authenticate_ticket = AuthenticateTicket(
            tickets=MemoryTickets(), signer=SIGNER, limit=limit, clock=self.clock
        )
        sessions = ManageConsoleSessions(
            authenticate=authenticate, signer=HmacConsoleSigner("a-secret"), clock=self.clock
        )
        workers = LiveKitWorkerVerifier(TokenFactory("devkey", "s" * 32))
        clients = Clients(authenticate_client, authenticate_ticket, sessions, workers)
        self._admit = admission(authenticate, clients, limits, in_production=False)

    async def made_key(self) -> str:
        manage = ManageKeys(
            keys=self.storage, maker=RandomKeys(), clock=self.clock, ids=SequentialIds()
        )
        made = await manage.create(CreateKeyCommand(name="ann"), SYSTEM)
        return made.text

    async def ask(self, key: str, peer: str = "203.0.113.7", **options: object) -> Any:
        """A request's scope once it is let in to a route with these ``options``."""
        headers = [(b"x-api-key", key.encode())]
        scope: dict[str, Any] = {"client": (peer, 4711), "headers": headers, "state": {}}
        request = SimpleNamespace(route_handler=SimpleNamespace(opt=options), scope=scope)
        await self._admit(cast("Any", request))
        return scope

    async def guess(self, number: int, peer: str = "203.0.113.7") -> None:
        await self.ask(f"blk_{'a' * 12}_{number:043}", peer)

    async def use_up(self, peer: str = "203.0.113.7") -> None:
        for number in range(LIMIT):
            with pytest.raises(Unauthenticated):
                await self.guess(number, peer)
        with pytest.raises(RateLimited):
            await self.guess(LIMIT, peer)
        self.storage.asked.clear()


@pytest.fixture
def door() -> Door:
    return Door()


async def test_given_an_address_with_nothing_left_then_its_guesses_reach_no_storage(
    door: Door,
) -> None:
    await door.use_up()

    for number in range(100):
        with pytest.raises(RateLimited, match="wait for 60 seconds") as caught:
            await door.guess(number)

    assert caught.value.retry_after == 60
    assert door.storage.asked == []


async def test_given_no_key_at_all_then_nor_do_such_requests(door: Door) -> None:
    await door.use_up()

    with pytest.raises(RateLimited):
        await door.ask("")

    assert door.storage.asked == []


async def test_given_the_next_minute_then_the_address_is_heard_again(door: Door) -> None:
    await door.use_up()

    door.clock.advance(WINDOW)

    with pytest.raises(Unauthenticated):
        await door.guess(0)


async def test_given_an_address_with_nothing_left_then_others_are_heard(door: Door) -> None:
    await door.use_up()

    with pytest.raises(Unauthenticated):
        await door.guess(0, peer="203.0.113.8")


async def test_given_an_address_with_nothing_left_then_keys_known_to_be_good_work_from_it(
    door: Door,
) -> None:
    made = await door.made_key()
    await door.ask(made, peer="203.0.113.8")
    await door.use_up()
    door.clock.advance(REMEMBERED)  # after which a key is looked up again

    for key in (FIXED, made):
        scope = await door.ask(key)
        assert dict(rate_limit_headers(scope))[b"ratelimit"].startswith(b'"default";r=')


async def test_given_a_key_that_nobody_has_used_yet_then_it_waits_with_the_guesses(
    door: Door,
) -> None:
    made = await door.made_key()
    await door.use_up()

    with pytest.raises(RateLimited):
        await door.ask(made)

    door.clock.advance(WINDOW)
    await door.ask(made)


async def test_given_a_tenant_with_nothing_left_then_it_is_not_counted_any_further(
    door: Door,
) -> None:
    for _ in range(LIMIT):
        await door.ask(FIXED)
    with pytest.raises(RateLimited):
        await door.ask(FIXED)
    door.storage.asked.clear()

    with pytest.raises(RateLimited):
        await door.ask(FIXED)

    assert door.storage.asked == []
    door.clock.advance(WINDOW)
    await door.ask(FIXED)


async def test_good_requests_are_counted_and_cost_nothing_else(door: Door) -> None:
    made = await door.made_key()
    await door.ask(made)
    door.storage.asked.clear()

    await door.ask(made)

    assert door.storage.asked == ["take"]


async def test_what_cannot_be_counted_is_let_through(door: Door) -> None:
    door.storage.broken = True

    for _ in range(LIMIT + 1):
        await door.ask(FIXED)


async def test_without_the_storage_a_known_key_opens_what_shows_no_tenant_s_data(
    door: Door,
) -> None:
    made = await door.made_key()
    await door.ask(made)
    door.clock.advance(REMEMBERED)
    door.storage.broken = True

    await door.ask(made, without_storage=True)

    with pytest.raises(StorageUnavailable):
        await door.ask(made)
    with pytest.raises(StorageUnavailable):
        await door.ask(f"blk_{'a' * 12}_{1:043}", without_storage=True)
    with pytest.raises(Forbidden):
        await door.ask(made, without_storage=True, needs=(Scope.ADMIN,))


async def test_given_more_addresses_than_are_cached_then_the_limiter_is_asked_for_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits_module, "MOST_REMEMBERED", 1)
    door = Door()
    await door.use_up()
    await door.use_up(peer="203.0.113.8")

    with pytest.raises(RateLimited):
        await door.guess(0, peer="203.0.113.8")
    assert door.storage.asked == []
    with pytest.raises(RateLimited):
        await door.guess(0)

    assert door.storage.asked == ["find", "take"]
