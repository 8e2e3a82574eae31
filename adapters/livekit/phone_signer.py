"""The tokens that simulated telephones join with."""

from __future__ import annotations

import uuid

import attrs
from livekit.api import VideoGrants

from adapters.livekit.tokens import TokenFactory
from domain.rooms.phone_signer import SimulatedPhone
from domain.rooms.token_options import TOKEN_TTL


@attrs.frozen
class LiveKitPhoneSigner:
    """Implements :class:`domain.rooms.phone_signer.PhoneSigner`, without asking LiveKit."""

    tokens: TokenFactory

    def phone_token(self, phone: SimulatedPhone) -> str:
        """Return a JWT of kind SIP with the attributes of a call that rings.

        They are those of https://docs.livekit.io/sip/sip-participant/.
        """
        call_id = uuid.uuid4().hex
        token = (
            self.tokens.access_token()
            .with_identity(phone.identity.value)
            .with_kind("sip")
            .with_ttl(TOKEN_TTL)
            .with_grants(
                VideoGrants(
                    room_join=True, room=phone.room_name.value, can_update_own_metadata=True
                )
            )
            .with_attributes(
                {
                    "sip.callID": f"SCL_{call_id[:12]}",
                    "sip.callIDFull": f"{call_id}@simulated",
                    "sip.callStatus": "ringing",
                    "sip.phoneNumber": phone.from_number,
                    "sip.trunkPhoneNumber": phone.to_number,
                    "sip.trunkID": phone.trunk_id or "ST_simulated",
                    "sip.ruleID": "SDR_simulated",
                }
            )
        )
        token.claims.name = f"Phone {phone.from_number}"
        return token.to_jwt()
