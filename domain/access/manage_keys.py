"""Make, replace and revoke API keys."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.access.access import WORK, Access, Scope
from domain.access.api_key import ApiKey, digest, prefix_of
from domain.access.repository import ApiKeys, KeyMaker
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.ids import IdGenerator

LONGEST_NAME = 128


@attrs.frozen(kw_only=True)
class CreateKeyCommand:
    """What the key is for.

    Without a ``tenant`` it is a tenant of its own; keys of one tenant see the same.
    """

    name: str
    tenant: str | None = None
    scopes: frozenset[Scope] = WORK
    lasts: timedelta | None = None


@attrs.frozen
class MadeKey:
    """A new key and its text, which is shown only once."""

    key: ApiKey
    text: str


@attrs.frozen(kw_only=True)
class ManageKeys:
    """Change and show the keys of every tenant.

    Every method raises ``Forbidden`` without the scope ``admin``, and ``StorageUnavailable``.
    """

    keys: ApiKeys
    maker: KeyMaker
    clock: Clock
    ids: IdGenerator

    async def create(self, command: CreateKeyCommand, access: Access) -> MadeKey:
        """Make a new key. Raises :class:`~domain.shared.errors.InvalidInput`."""
        access.require(Scope.ADMIN)
        name = _label(command.name, "name")
        tenant = None if command.tenant is None else _label(command.tenant, "tenant")
        if not command.scopes:
            raise InvalidInput(
                "A key needs a scope.", field="scope", example=Scope.CALLS_READ.value
            )
        if command.lasts is not None and command.lasts <= timedelta():
            raise InvalidInput("A key must last for some time.", field="expires", example=90)
        return await self._made(name, tenant, command.scopes, command.lasts)

    async def rotate(
        self, prefix: str, grace: timedelta, lasts: timedelta | None, access: Access
    ) -> MadeKey:
        """Make a key of the same tenant, name and scopes; the old one works for ``grace`` more.

        Raises ``NotFound``, and ``InvalidInput`` for a key that no longer works.
        """
        access.require(Scope.ADMIN)
        old = await self.keys.find(_prefix(prefix))
        if old is None:
            raise _unknown(prefix)
        now = self.clock.now()
        if not old.is_usable(now):
            raise InvalidInput(
                f"Key {old.prefix} has expired or was revoked; create a new one.", field="key"
            )
        made = await self._made(old.name, old.tenant, old.scopes, lasts)
        await self.keys.expire(old.prefix, now + grace)
        return made

    async def revoke(self, prefix: str, access: Access) -> None:
        """Revoke the key for good. Raises :class:`~domain.shared.errors.NotFound`."""
        access.require(Scope.ADMIN)
        if not await self.keys.revoke(_prefix(prefix), self.clock.now()):
            raise _unknown(prefix)

    async def all(self, access: Access) -> list[ApiKey]:
        """Return every key that was made, the newest first."""
        access.require(Scope.ADMIN)
        return await self.keys.list()

    async def _made(
        self, name: str, tenant: str | None, scopes: frozenset[Scope], lasts: timedelta | None
    ) -> MadeKey:
        text = self.maker.api_key()
        now = self.clock.now()
        key_id = str(self.ids.session_id())
        key = ApiKey(
            id=key_id,
            tenant=tenant or key_id,
            name=name,
            prefix=_prefix(text),
            digest=digest(text),
            scopes=scopes,
            created_at=now,
            expires_at=None if lasts is None else now + lasts,
        )
        await self.keys.add(key)
        return MadeKey(key, text)


def _prefix(text: str) -> str:
    """The prefix in ``text``, which may be one by itself."""
    return prefix_of(text) or text.strip()


def _unknown(prefix: str) -> NotFound:
    return NotFound(f"There is no key {_prefix(prefix)}; `backend keys list` shows them.")


def _label(raw: str, field: str) -> str:
    label = raw.strip()
    if not 1 <= len(label) <= LONGEST_NAME or not label.isprintable():
        raise InvalidInput(
            f"{field} must be 1 to {LONGEST_NAME} printable characters.",
            field=field,
            example="acme",
        )
    return label
