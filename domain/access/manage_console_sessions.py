"""Exchange an API key for a session of the console, and authenticate such a session."""

from __future__ import annotations

import attrs

from domain.access.access import SYSTEM, Access
from domain.access.api_key import digest, is_same, prefix_of
from domain.access.authenticate import Authenticate
from domain.access.console_session import LIFETIME, ConsoleSession, ConsoleSessionSigner
from domain.shared.clock import Clock
from domain.shared.errors import Unauthenticated


@attrs.frozen(kw_only=True)
class OpenedConsoleSession:
    """A session of the console, its signed text, and what it may do."""

    session: ConsoleSession
    text: str = attrs.field(repr=False)
    access: Access


@attrs.frozen(kw_only=True)
class ManageConsoleSessions:
    """Sessions are signed, not stored: one ends with its time or with its key, the sooner."""

    authenticate: Authenticate
    signer: ConsoleSessionSigner
    clock: Clock

    async def open(self, presented: str) -> OpenedConsoleSession:
        """Return a new session of the key.

        Raises ``Unauthenticated``, also where there is no key in the system that it could be, and
        ``StorageUnavailable``.
        """
        if not await self.authenticate.is_guarded():
            raise Unauthenticated(
                "There is no API key yet; make one with `backend keys create`, or set API_KEYS."
            )
        access = await self.authenticate(presented)
        session = ConsoleSession(
            prefix=prefix_of(presented),
            fingerprint=self.signer.fingerprint(digest(presented)),
            expires_at=(self.clock.now() + LIFETIME).replace(microsecond=0),
        )
        return OpenedConsoleSession(session=session, text=self.signer.text(session), access=access)

    async def resume(self, text: str) -> OpenedConsoleSession:
        """Return the session with this text, with the access that its key grants now.

        Raises ``Unauthenticated``; a forged one costs no question to the storage. Raises
        ``StorageUnavailable``.
        """
        session = self.signer.read(text)
        if session is None or self.clock.now() >= session.expires_at:
            raise Unauthenticated("This console session has expired; sign in again.")
        access = await self.authenticate.holder(
            session.prefix,
            lambda known: is_same(self.signer.fingerprint(known), session.fingerprint),
        )
        return OpenedConsoleSession(session=session, text=text, access=access)

    async def access(self, text: str) -> Access:
        """Return what a request with this session may do; everything where no keys exist.

        Raises as :meth:`resume` does.
        """
        if not await self.authenticate.is_guarded():
            return SYSTEM
        return (await self.resume(text)).access
