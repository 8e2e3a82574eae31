"""List, create and delete SIP trunks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.shared.errors import AlreadyExists, InvalidInput, NotFound
from domain.shared.livekit_errors import LiveKitRefused
from domain.shared.pagination import DEFAULT_LIMIT
from domain.trunks import fields
from domain.trunks.fields import EXAMPLE_NUMBER, Normalised
from domain.trunks.id_page import IdPage, IdPosition, each, read_id_page
from domain.trunks.provisioning import Trunks
from domain.trunks.trunk import Transport, Trunk, TrunkDirection

_EXAMPLE_ADDRESS: Final = "sip.provider.example"
_EXAMPLE_NETWORK: Final = "192.0.2.0/24"


@attrs.frozen(kw_only=True)
class CreateTrunkCommand:
    """What the trunk shall be, unchecked; see :class:`~domain.trunks.trunk.Trunk`."""

    direction: TrunkDirection
    name: str = ""
    numbers: Sequence[str] = ()
    allowed_addresses: Sequence[str] = ()
    allowed_numbers: Sequence[str] = ()
    address: str = ""
    transport: Transport = Transport.AUTO
    auth_username: str = ""
    auth_password: str = attrs.field(default="", repr=False)


@attrs.frozen
class CreatedTrunk:
    """The trunk; ``is_new`` is False where LiveKit had it already."""

    trunk: Trunk
    is_new: bool


@attrs.frozen
class ManageTrunks:
    """Trunks belong to the deployment, not to a tenant.

    Every method raises ``Forbidden`` without the scope ``admin``, and ``LiveKitError``.
    """

    trunks: Trunks
    normalised: Normalised
    _creating: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False, eq=False)

    async def page(
        self,
        direction: TrunkDirection | None,
        access: Access,
        after: IdPosition | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> IdPage[Trunk]:
        """Return trunks of this direction, or of both, sorted by id."""
        access.require(Scope.ADMIN)
        return await read_id_page(partial(self.trunks.page, direction), after, limit)

    async def create(self, command: CreateTrunkCommand, access: Access) -> CreatedTrunk:
        """Create a trunk, or return the one that is like it but for its name.

        Raises :class:`~domain.shared.errors.InvalidInput`, and
        :class:`~domain.shared.errors.AlreadyExists` if an inbound trunk with other settings takes
        one of the numbers.
        """
        access.require(Scope.ADMIN)
        wanted = self._checked(command)
        async with self._creating:
            existing = await self._existing(wanted)
            if existing is not None:
                return CreatedTrunk(existing, is_new=False)
            try:
                return CreatedTrunk(await self.trunks.create(wanted), is_new=True)
            except LiveKitRefused:  # another process may have been first
                existing = await self._existing(wanted)
                if existing is None:
                    raise
                return CreatedTrunk(existing, is_new=False)

    async def _existing(self, wanted: Trunk) -> Trunk | None:
        """Return the trunk that is like ``wanted``. Raises :class:`AlreadyExists`."""
        conflict: Trunk | None = None
        async for trunk in each(partial(self.trunks.page, wanted.direction)):
            if trunk.is_like(wanted):
                return trunk
            if conflict is None and trunk.conflicts_with(wanted):
                conflict = trunk
        if conflict is not None:
            raise AlreadyExists(
                f"Inbound trunk {conflict.id} takes one of these numbers with other settings; "
                "delete it first, or leave the number out.",
                field="numbers",
                trunkId=conflict.id,
            )
        return None

    async def delete(self, trunk_id: str, access: Access) -> None:
        """Delete a trunk. Raises :class:`~domain.shared.errors.NotFound`."""
        access.require(Scope.ADMIN)
        async for trunk in each(partial(self.trunks.page, None)):
            if trunk.id == trunk_id:
                await self.trunks.delete(trunk_id)
                return
        raise NotFound("There is no trunk with this id.")

    def _checked(self, command: CreateTrunkCommand) -> Trunk:
        inbound = command.direction is TrunkDirection.INBOUND
        trunk = Trunk(
            direction=command.direction,
            name=fields.text(command.name, "name", "Main line"),
            numbers=fields.numbers(command.numbers, "numbers", self.normalised),
            allowed_addresses=fields.texts(
                command.allowed_addresses, "allowedAddresses", _EXAMPLE_NETWORK
            ),
            allowed_numbers=fields.numbers(
                command.allowed_numbers, "allowedNumbers", self.normalised
            ),
            address=fields.text(command.address, "address", _EXAMPLE_ADDRESS),
            transport=command.transport,
            auth_username=fields.text(command.auth_username, "authUsername", "user"),
            auth_password=fields.text(command.auth_password, "authPassword", "a password"),
        )
        if not trunk.numbers:
            raise InvalidInput(
                "numbers must have at least one telephone number.",
                field="numbers",
                example=[EXAMPLE_NUMBER],
            )
        _check_credentials(trunk)
        _check_inbound(trunk) if inbound else _check_outbound(trunk)
        return trunk


def _check_credentials(trunk: Trunk) -> None:
    if bool(trunk.auth_username) != bool(trunk.auth_password):
        absent = "authPassword" if trunk.auth_username else "authUsername"
        raise InvalidInput(
            "authUsername and authPassword belong together: send both, or neither.", field=absent
        )


def _check_inbound(trunk: Trunk) -> None:
    if trunk.address or trunk.transport is not Transport.AUTO:
        field = "address" if trunk.address else "transport"
        raise InvalidInput(
            f"{field} is for outbound trunks; an inbound trunk has allowedAddresses.", field=field
        )


def _check_outbound(trunk: Trunk) -> None:
    if trunk.allowed_addresses or trunk.allowed_numbers:
        field = "allowedAddresses" if trunk.allowed_addresses else "allowedNumbers"
        raise InvalidInput(f"{field} is for inbound trunks.", field=field)
    if (
        not trunk.address
        or any(sign in trunk.address for sign in " ;@/")
        or (trunk.address.lower().startswith(("sip:", "sips:")))
    ):
        raise InvalidInput(
            "address must be the provider's host name or IP address, with or without a port.",
            field="address",
            example=_EXAMPLE_ADDRESS,
        )
