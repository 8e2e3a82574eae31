"""Sessions of the console: what a cookie opens, until when, and what one cannot be made of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.api_keys import MemoryApiKeys
from adapters.system.console_signer import HmacConsoleSigner
from adapters.system.keys import RandomKeys
from domain.access.access import SYSTEM, WORK
from domain.access.api_key import FixedKey, digest
from domain.access.authenticate import REMEMBERED, Authenticate
from domain.access.authenticate_presented import CONSOLE, AuthenticatePresented
from domain.access.console_session import LIFETIME, ConsoleSession
from domain.access.manage_console_sessions import ManageConsoleSessions
from domain.access.manage_keys import CreateKeyCommand, ManageKeys
from domain.shared.errors import StorageUnavailable, Unauthenticated
from tests.unit.worlds.fakes import FakeClock, SequentialIds

FIXED = "a-fixed-key-of-the-deployment"
SIGNER = HmacConsoleSigner("a-secret")


class CountedKeys(MemoryApiKeys):
    """Counts the keys that are looked up, and breaks on order."""

    def __init__(self) -> None:
        super().__init__()
        self.found, self.broken = 0, False

    async def find(self, prefix: str):  # type: ignore[no-untyped-def]
        self.found += 1
        if self.broken:
            raise StorageUnavailable("The ledger is broken.")
        return await super().find(prefix)


class Console:
    """A service's keys and its console."""

    def __init__(self, *fixed: str) -> None:
        self.stored, self.clock = CountedKeys(), FakeClock()
        self.manage = ManageKeys(
            keys=self.stored, maker=RandomKeys(), clock=self.clock, ids=SequentialIds()
        )
        self.sessions = self.replica(*fixed)

    def replica(self, *fixed: str, secret: str = "a-secret") -> ManageConsoleSessions:
        keys = [FixedKey(tenant="house", digest=digest(key)) for key in fixed]
        authenticate = Authenticate(keys=self.stored, fixed=keys, clock=self.clock)
        return ManageConsoleSessions(
            authenticate=authenticate, signer=HmacConsoleSigner(secret), clock=self.clock
        )

    async def made(self, **wanted: object) -> str:
        made = await self.manage.create(CreateKeyCommand(name="acme", **wanted), SYSTEM)  # type: ignore[arg-type]
        return made.text


@pytest.fixture
def console() -> Console:
    return Console()


async def test_given_a_session_then_it_grants_what_its_key_grants(console: Console) -> None:
    key = await console.made(tenant="acme", scopes=WORK)

    opened = await console.sessions.open(key)
    access = await console.replica().access(opened.text)  # in another process

    assert access == opened.access
    assert (access.tenant, access.scopes, access.sees_unowned) == ("acme", WORK, False)
    assert opened.session.expires_at - console.clock.now() <= LIFETIME


async def test_given_a_fixed_key_then_its_session_grants_the_same_until_it_is_removed(
    console: Console,
) -> None:
    sessions = console.replica(FIXED)

    opened = await sessions.open(FIXED)

    assert await sessions.access(opened.text) == await sessions.authenticate(FIXED)
    with pytest.raises(Unauthenticated):
        await console.replica("another-fixed-key").access(opened.text)


async def test_the_cookie_has_no_part_of_the_key_s_secret_or_digest(console: Console) -> None:
    key = await console.made()
    for sessions, presented in ((console.sessions, key), (console.replica(FIXED), FIXED)):
        text = (await sessions.open(presented)).text
        assert presented[17:] not in text
        assert digest(presented) not in text


async def test_given_twelve_hours_then_the_session_has_ended(console: Console) -> None:
    text = (await console.sessions.open(await console.made())).text

    console.clock.advance(LIFETIME - timedelta(seconds=2))
    await console.sessions.access(text)
    console.clock.advance(timedelta(seconds=2))
    with pytest.raises(Unauthenticated, match="sign in again"):
        await console.sessions.access(text)


async def test_given_its_key_is_revoked_or_expires_then_the_session_ends_too(
    console: Console,
) -> None:
    revoked, expiring = await console.made(), await console.made(lasts=timedelta(hours=1))
    texts = [(await console.sessions.open(key)).text for key in (revoked, expiring)]

    await console.manage.revoke(revoked, SYSTEM)
    console.clock.advance(timedelta(hours=1) + REMEMBERED)

    for text in texts:
        with pytest.raises(Unauthenticated):
            await console.sessions.access(text)


async def test_a_key_that_opens_nothing_opens_no_session(console: Console) -> None:
    with pytest.raises(Unauthenticated, match="no API key yet"):
        await console.sessions.open("anything at all")
    key = await console.made()
    console.clock.advance(REMEMBERED)
    for presented in ("", "wrong", f"{key[:17]}{'A' * 43}"):
        with pytest.raises(Unauthenticated):
            await console.sessions.open(presented)


async def test_without_keys_a_cookie_is_not_needed_and_not_looked_at(console: Console) -> None:
    assert await console.sessions.access("left over from another deployment") == SYSTEM


async def test_given_what_a_request_presented_then_it_is_authenticated_again(
    console: Console,
) -> None:
    key = await console.made(tenant="acme")
    opened = await console.sessions.open(key)
    again = AuthenticatePresented(
        authenticate=console.sessions.authenticate, console_sessions=console.sessions
    )

    assert await again(key) == await again(f"{CONSOLE}{opened.text}") == opened.access
    for refused in ("", opened.text, CONSOLE, f"{CONSOLE}{key}"):
        with pytest.raises(Unauthenticated):
            await again(refused)
    await console.manage.revoke(key, SYSTEM)
    console.clock.advance(REMEMBERED)
    with pytest.raises(Unauthenticated):
        await again(f"{CONSOLE}{opened.text}")


async def test_a_forged_session_is_refused_without_a_question_to_the_storage(
    console: Console,
) -> None:
    key = await console.made()
    await console.sessions.authenticate.is_guarded()
    session = ConsoleSession(
        prefix=key[:16],
        fingerprint=HmacConsoleSigner("guessed").fingerprint(digest(key)),
        expires_at=console.clock.now() + LIFETIME,
    )
    forged = HmacConsoleSigner("guessed").text(session)

    with pytest.raises(Unauthenticated):
        await console.sessions.access(forged)
    assert console.stored.found == 0


async def test_given_the_storage_is_gone_then_that_is_said_and_nobody_is_signed_out(
    console: Console,
) -> None:
    text = (await console.sessions.open(await console.made())).text
    console.clock.advance(REMEMBERED)
    console.stored.broken = True
    with pytest.raises(StorageUnavailable):
        await console.sessions.access(text)


@given(st.text(max_size=300))
def test_no_text_but_a_signed_one_is_read(text: str) -> None:
    assert SIGNER.read(text) is None


@given(data=st.data())
def test_no_signed_text_can_be_changed(data: st.DataObject) -> None:
    session = ConsoleSession(
        prefix=data.draw(st.sampled_from([None, "blk_abcdefghijkl"])),
        fingerprint=SIGNER.fingerprint(digest("key")),
        expires_at=FakeClock().now().replace(microsecond=0),
    )
    text = SIGNER.text(session)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters(codec="latin-1")) + text[at + 1 :]

    assert SIGNER.read(text) == session
    assert changed == text or SIGNER.read(changed) is None
