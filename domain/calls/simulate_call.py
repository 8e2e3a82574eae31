"""Let a program play the telephone of an inbound call, on development servers."""

from __future__ import annotations

import re
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.rooms.phone_signer import PhoneSigner, SimulatedPhone
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import Identity, RoomName
from domain.shared.ids import IdGenerator
from domain.shared.telephony_errors import TelephonyDisabled

CALLER: Final = "+15105550100"
CALLED: Final = "+15105550199"
NUMBER: Final = r"[!-~]{1,64}"
"""What a carrier may send as a number; the name of the room, which has it, must not be too long."""
_NUMBER: Final = re.compile(NUMBER, re.ASCII)


@attrs.frozen(kw_only=True)
class SimulateCallCommand:
    """Who calls which number, unchecked. ``trunk_id``: the trunk that the call comes by."""

    from_number: str = CALLER
    to_number: str = CALLED
    trunk_id: str | None = None
    access: Access


@attrs.frozen
class SimulatedCall:
    """The phone, where it joins, and the token with which it does."""

    phone: SimulatedPhone
    livekit_url: str
    token: str


@attrs.frozen(kw_only=True)
class SimulateCall:
    """Make a token of kind SIP, in a new room as a dispatch rule makes one for each call.

    Nothing is stored: everything else happens as for a real call, once its holder joins.
    """

    signer: PhoneSigner
    ids: IdGenerator
    livekit_url: str
    telephony_enabled: bool

    def __call__(self, command: SimulateCallCommand) -> SimulatedCall:
        """Return the token.

        Raises ``Forbidden`` without the scope ``admin``, since the call belongs to the tenant of
        the number that is called; ``InvalidInput``, ``TelephonyDisabled``.
        """
        command.access.require(Scope.ADMIN)
        if not self.telephony_enabled:
            raise TelephonyDisabled(
                "Telephony is off, so a phone participant would not become a call: start the "
                "service with TELEPHONY_ENABLED=true."
            )
        trunk, caller = command.trunk_id, _number(command.from_number, "from", CALLER)
        unique = self.ids.call_id().value.replace("-", "")[-12:]
        phone = SimulatedPhone(
            room_name=RoomName(f"call-_{caller}_{unique}"),
            identity=Identity(f"sip_{caller}"),
            from_number=caller,
            to_number=_number(command.to_number, "to", CALLED),
            trunk_id=None if trunk is None else _number(trunk, "trunkId", "ST_a1b2c3d4"),
        )
        return SimulatedCall(phone, self.livekit_url, self.signer.phone_token(phone))


def _number(given: str, field: str, example: str) -> str:
    if not _NUMBER.fullmatch(given):
        raise InvalidInput(
            f"{field} must be 1 to 64 printable ASCII characters without a space.",
            field=field,
            example=example,
        )
    return given
