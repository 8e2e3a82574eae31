"""Authenticate what a request has presented, whichever it is."""

from __future__ import annotations

from typing import Final

import attrs

from domain.access.access import Access
from domain.access.authenticate import Authenticate
from domain.access.manage_console_sessions import ManageConsoleSessions

CONSOLE: Final = "\0console "
"""How a session of the console begins here; no header has such a character."""


@attrs.frozen(kw_only=True)
class AuthenticatePresented:
    """An API key, or a session of the console after :data:`CONSOLE`."""

    authenticate: Authenticate
    console_sessions: ManageConsoleSessions

    async def __call__(self, presented: str) -> Access:
        """Return the access that it grants now.

        Raises ``Unauthenticated`` or ``StorageUnavailable``.
        """
        if presented.startswith(CONSOLE):
            return await self.console_sessions.access(presented.removeprefix(CONSOLE))
        return await self.authenticate(presented)
