"""Make, list and delete publishable keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.access.agent_choice import choose_agent_name
from domain.access.api_key import digest
from domain.access.publishable_key import PublishableKey, access_of, publishable_prefix
from domain.access.publishable_keys import (
    CheckAgent,
    ParseOrigin,
    PublishableKeyMaker,
    PublishableKeys,
)
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.ids import IdGenerator

DEFAULT_PER_MINUTE: Final = 60
MOST_PER_MINUTE: Final = 6000
MOST_ORIGINS: Final = 20
MOST_KEYS: Final = 100
"""Of one tenant."""
_LONGEST_ORIGIN: Final = 256


@attrs.frozen(kw_only=True)
class CreatePublishableKeyCommand:
    """Which pages may use the key, and for which agent. Unchecked.

    ``agent_id`` is a saved agent (``id`` or ``id@version``). Without it and ``agent_name`` the key
    is for the default agent.
    """

    allowed_origins: Sequence[str]
    agent_name: str | None = None
    agent_id: str | None = None
    requests_per_minute: int | None = None
    access: Access


@attrs.frozen
class MadePublishableKey:
    """A new key and its text, which is shown only once."""

    key: PublishableKey
    text: str


@attrs.frozen(kw_only=True)
class ManagePublishableKeys:
    """Change and show a tenant's keys.

    Every method raises ``Forbidden`` without the scope ``sessions:write``, and
    ``StorageUnavailable``. ``agent_names`` are those that clients may choose, the default first.
    """

    keys: PublishableKeys
    maker: PublishableKeyMaker
    parse_origin: ParseOrigin
    clock: Clock
    ids: IdGenerator
    agent_names: Sequence[str]
    check_agent: CheckAgent

    async def create(self, command: CreatePublishableKeyCommand) -> MadePublishableKey:
        """Make a new key.

        Raises ``InvalidInput``, also for a saved agent with a variable that has no default, and
        ``NotFound`` for a saved agent that is not the tenant's.
        """
        access = command.access
        access.require(Scope.SESSIONS_WRITE)
        origins = self._origins(command.allowed_origins)
        agent_name = choose_agent_name(command.agent_name, command.agent_id, self.agent_names)
        asked = command.requests_per_minute
        per_minute = DEFAULT_PER_MINUTE if asked is None else asked
        if not 1 <= per_minute <= MOST_PER_MINUTE:
            raise InvalidInput(
                f"requestsPerMinute must be a whole number from 1 to {MOST_PER_MINUTE}.",
                field="requestsPerMinute",
                example=DEFAULT_PER_MINUTE,
            )
        own = [key for key in await self.keys.list(access) if key.tenant == access.tenant]
        if len(own) >= MOST_KEYS:
            raise InvalidInput(
                f"There may be {MOST_KEYS} publishable keys; delete one first.",
                field="allowedOrigins",
            )
        if command.agent_id is not None:
            await self.check_agent(command.agent_id, access_of(access.tenant))
        text = self.maker.publishable_key()
        key = PublishableKey(
            id=str(self.ids.session_id()),
            tenant=access.tenant,
            agent_name=agent_name,
            agent_id=command.agent_id,
            allowed_origins=origins,
            requests_per_minute=per_minute,
            prefix=publishable_prefix(text) or "",
            digest=digest(text),
            created_at=self.clock.now(),
        )
        await self.keys.add(key)
        return MadePublishableKey(key, text)

    async def all(self, access: Access) -> list[PublishableKey]:
        """Return the visible keys, the newest first."""
        access.require(Scope.SESSIONS_WRITE)
        return await self.keys.list(access)

    async def delete(self, key_id: str, access: Access) -> None:
        """Delete a key, which opens nothing within 5 seconds. Raises ``NotFound``."""
        access.require(Scope.SESSIONS_WRITE)
        if not await self.keys.remove(key_id, access):
            raise NotFound("There is no publishable key with this id.", field="id")

    def _origins(self, given: Sequence[str]) -> tuple[str, ...]:
        if not 1 <= len(given) <= MOST_ORIGINS:
            raise _wrong_origins(f"must list 1 to {MOST_ORIGINS} origins")
        found = []
        for raw in given:
            if len(raw) > _LONGEST_ORIGIN:
                raise _wrong_origins(f"has an origin of more than {_LONGEST_ORIGIN} characters")
            try:
                found.append(self.parse_origin(raw.strip()))
            except ValueError as error:
                raise _wrong_origins(f"has '{raw[:64]}', which {error}") from None
        return tuple(dict.fromkeys(found))


def _wrong_origins(what: str) -> InvalidInput:
    return InvalidInput(
        f"allowedOrigins {what}.", field="allowedOrigins", example=["https://app.example.com"]
    )
