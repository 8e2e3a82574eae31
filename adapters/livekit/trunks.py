"""LiveKit's SIP trunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs
from livekit.protocol.sip import (
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    DeleteSIPTrunkRequest,
    ListSIPInboundTrunkRequest,
    ListSIPOutboundTrunkRequest,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
    SIPTransport,
)

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors
from adapters.livekit.id_pages import cut, page_after
from adapters.livekit.phone_leg import Normalised
from adapters.livekit.settings_beside import has_more
from domain.trunks.trunk import Transport, Trunk, TrunkDirection

_TRANSPORTS: Final[Mapping[Transport, SIPTransport]] = {
    Transport.AUTO: SIPTransport.SIP_TRANSPORT_AUTO,
    Transport.UDP: SIPTransport.SIP_TRANSPORT_UDP,
    Transport.TCP: SIPTransport.SIP_TRANSPORT_TCP,
    Transport.TLS: SIPTransport.SIP_TRANSPORT_TLS,
}
_TRANSPORT_OF: Final = {sent: transport for transport, sent in _TRANSPORTS.items()}

_SHOWN: Final = frozenset({
    "sip_trunk_id", "name", "numbers", "allowed_addresses", "allowed_numbers", "address",
    "transport", "auth_username", "auth_password", "created_at", "updated_at",
})  # fmt: skip


@attrs.frozen
class LiveKitTrunks:
    """Implements :class:`domain.trunks.provisioning.Trunks`.

    ``normalised`` writes telephone numbers in the form that callers look for.
    """

    client: LiveKitClient
    normalised: Normalised

    async def page(self, direction: TrunkDirection | None, after: str, limit: int) -> list[Trunk]:
        """Return ``limit`` trunks whose ids come after ``after``, sorted by id."""
        page, sip = page_after(after, limit), self.client.sip
        found: list[Trunk] = []
        with livekit_errors():
            if direction is not TrunkDirection.OUTBOUND:
                inbound = await sip.list_inbound_trunk(ListSIPInboundTrunkRequest(page=page))
                found += map(self._inbound, inbound.items)
            if direction is not TrunkDirection.INBOUND:
                outbound = await sip.list_outbound_trunk(ListSIPOutboundTrunkRequest(page=page))
                found += map(self._outbound, outbound.items)
        return cut(found, after, limit)

    async def create(self, trunk: Trunk) -> Trunk:
        """Return ``trunk`` with its id."""
        if trunk.direction is TrunkDirection.OUTBOUND:
            return await self._create_outbound(trunk)
        wanted = SIPInboundTrunkInfo(
            name=trunk.name,
            numbers=trunk.numbers,
            allowed_addresses=trunk.allowed_addresses,
            allowed_numbers=trunk.allowed_numbers,
            auth_username=trunk.auth_username,
            auth_password=trunk.auth_password,
        )
        with livekit_errors():
            info = await self.client.sip.create_inbound_trunk(
                CreateSIPInboundTrunkRequest(trunk=wanted)
            )
        return self._inbound(info)

    async def _create_outbound(self, trunk: Trunk) -> Trunk:
        wanted = SIPOutboundTrunkInfo(
            name=trunk.name,
            address=trunk.address,
            transport=_TRANSPORTS[trunk.transport],
            numbers=trunk.numbers,
            auth_username=trunk.auth_username,
            auth_password=trunk.auth_password,
        )
        with livekit_errors():
            info = await self.client.sip.create_outbound_trunk(
                CreateSIPOutboundTrunkRequest(trunk=wanted)
            )
        return self._outbound(info)

    async def delete(self, trunk_id: str) -> None:
        """Delete a trunk; livekit-server answers a success for one that does not exist."""
        with livekit_errors():
            await self.client.sip.delete_trunk(DeleteSIPTrunkRequest(sip_trunk_id=trunk_id))

    def _inbound(self, info: SIPInboundTrunkInfo) -> Trunk:
        return Trunk(
            id=info.sip_trunk_id,
            direction=TrunkDirection.INBOUND,
            name=info.name,
            numbers=self._numbers(info.numbers),
            allowed_addresses=tuple(info.allowed_addresses),
            allowed_numbers=self._numbers(info.allowed_numbers),
            auth_username=info.auth_username,
            auth_password=info.auth_password,
            has_more=has_more(info, _SHOWN),
        )

    def _outbound(self, info: SIPOutboundTrunkInfo) -> Trunk:
        return Trunk(
            id=info.sip_trunk_id,
            direction=TrunkDirection.OUTBOUND,
            name=info.name,
            numbers=self._numbers(info.numbers),
            address=info.address,
            transport=_TRANSPORT_OF.get(info.transport, Transport.AUTO),
            auth_username=info.auth_username,
            auth_password=info.auth_password,
            has_more=has_more(info, _SHOWN),
        )

    def _numbers(self, numbers: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(self.normalised, numbers))
