"""Tokens with which a program joins a room as a telephone."""

from __future__ import annotations

from typing import Protocol

import attrs

from domain.shared.identifiers import Identity, RoomName


@attrs.frozen(kw_only=True)
class SimulatedPhone:
    """An inbound call's participant that no carrier brings: a program joins in its place."""

    room_name: RoomName
    identity: Identity
    from_number: str
    to_number: str
    trunk_id: str | None = None


class PhoneSigner(Protocol):
    """Signs LiveKit access tokens of telephones with the API secret."""

    def phone_token(self, phone: SimulatedPhone) -> str:
        """A JWT that lets ``phone`` join its room as LiveKit's SIP service would: ringing.

        Its holder may change the participant's attributes, as that service does when it answers.
        """
        ...
