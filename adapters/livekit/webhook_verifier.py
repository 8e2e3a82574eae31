"""LiveKit's webhooks (https://docs.livekit.io/home/server/webhooks/)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec
from livekit.protocol.models import ParticipantInfo

from adapters.livekit.participants import KINDS
from adapters.livekit.phone_leg import counts_as_phone, trunk_id
from adapters.livekit.tokens import TokenFactory, TokenRefused
from domain.inbox.webhook_verifier import WebhookBody, WebhookEvent
from domain.rooms.room import ParticipantTraits
from domain.shared.errors import InvalidWebhook, WebhookForged
from domain.shared.identifiers import LONGEST, LONGEST_ID
from domain.shared.storable_text import storable


class _Room(msgspec.Struct):
    name: Any = None
    sid: Any = None


class _Attributes(msgspec.Struct):
    trunk_id: Any = msgspec.field(default=None, name="sip.trunkID")
    user: Any = msgspec.field(default=None, name="backend-livekit.user")


class _Participant(msgspec.Struct):
    identity: Any = None
    sid: Any = None
    kind: Any = None
    attributes: _Attributes | list[Any] | str | int | float | bool | None = None


class _Egress(msgspec.Struct):
    room_name: Any = msgspec.field(default=None, name="roomName")
    room_id: Any = msgspec.field(default=None, name="roomId")


class _Event(msgspec.Struct):
    """The fields that the ledger finds records by; what handles the event reads the rest."""

    event: str
    id: Any = None
    room: _Room | None = None
    # One that is no object counts as absent.
    participant: _Participant | list[Any] | str | int | float | bool | None = None
    # An egress names its room itself.
    egress: _Egress | list[Any] | str | int | float | bool | None = msgspec.field(
        default=None, name="egressInfo"
    )


_READER: Final = msgspec.json.Decoder(_Event)
_NO_ROOM: Final = _Room()
_NO_PARTICIPANT: Final = _Participant()
_NO_ATTRIBUTES: Final = _Attributes()
_KINDS: Final[Mapping[object, ParticipantInfo.Kind]] = {
    None: ParticipantInfo.Kind.STANDARD,
    **{ParticipantInfo.Kind.Name(kind): kind for kind in KINDS},
}


@attrs.frozen
class LiveKitWebhookVerifier:
    """Implements :class:`domain.inbox.webhook_verifier.WebhookVerifier`.

    The ``Authorization`` header is a JWT in HS256, bare or after ``Bearer`` (a scheme's case does
    not matter: RFC 9110, 11.1), issued by the API key, not expired, without an audience, whose
    ``sha256`` claim is the body's.
    """

    tokens: TokenFactory
    sip_identity_prefix: str = "sip_"

    def body_digest(self, authorization: str | None) -> bytes:
        """Return the digest of the body that ``authorization`` vouches for."""
        if not authorization or authorization.isspace():
            raise WebhookForged("A webhook carries LiveKit's JWT in its Authorization header.")
        try:
            return self.tokens.body_digest(token_in(authorization))
        except TokenRefused as error:
            raise WebhookForged(
                f"LiveKit's key did not sign this webhook: {error}. Check LIVEKIT_API_KEY and "
                "LIVEKIT_API_SECRET, or LIVEKIT_WEBHOOK_API_KEY and LIVEKIT_WEBHOOK_API_SECRET if "
                "webhooks are signed with another key."
            ) from None

    def event(self, body: WebhookBody, digest: bytes) -> WebhookEvent:
        """Return the event in ``body``, which must have this ``digest``."""
        found = hashlib.sha256(body.plain)
        if not (
            hmac.compare_digest(digest, found.digest())
            or hmac.compare_digest(digest, hashlib.sha256(body.received).digest())
        ):
            raise WebhookForged("The signature is not one for this body.")
        event = _read(body.plain)
        room = event.room or _room_of(event.egress)
        participant = (
            event.participant if isinstance(event.participant, _Participant) else _NO_PARTICIPANT
        )
        if not event.event:
            raise InvalidWebhook("The body names no event.")
        identity = _bounded("participant.identity", participant.identity, LONGEST)
        _bounded("participant.sid", participant.sid, LONGEST_ID)
        return WebhookEvent(
            id=_bounded("id", event.id, LONGEST_ID) or f"sha256:{found.hexdigest()}",
            kind=_bounded("event", event.event, LONGEST_ID),
            room_name=_bounded("room.name", room.name, LONGEST),
            room_sid=_bounded("room.sid", room.sid, LONGEST_ID),
            body=body.plain,
            participant=self._traits(participant, identity),
        )

    def _traits(self, participant: _Participant, identity: str) -> ParticipantTraits | None:
        """Return what decides whether the event is handled; None where that is not sure.

        Anything that LiveKit does not send is left to the reader of the whole event.
        """
        found, given = participant.identity, participant.attributes or _NO_ATTRIBUTES
        kind = _KINDS.get(participant.kind) if _is_text(participant.kind) else None
        if kind is None or found != identity or not isinstance(given, _Attributes):
            return None
        if not (_is_text(given.trunk_id) and _is_text(given.user)):
            return None
        attributes = {"sip.trunkID": given.trunk_id, "backend-livekit.user": given.user}
        is_phone = counts_as_phone(kind, identity, attributes, self.sip_identity_prefix)
        trunk = trunk_id(attributes) if is_phone else None
        return ParticipantTraits(KINDS[kind], is_phone, trunk)


def _room_of(egress: object) -> _Room:
    return _Room(egress.room_name, egress.room_id) if isinstance(egress, _Egress) else _NO_ROOM


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def token_in(authorization: str) -> str:
    """Return the JWT in the header, bare or after ``Bearer``."""
    scheme, *token = authorization.split(maxsplit=1)
    return token[0].strip() if token and scheme.lower() == "bearer" else authorization.strip()


def _read(body: bytes) -> _Event:
    try:
        text = body.decode("utf-8-sig")
        try:
            return _READER.decode(text)
        except msgspec.DecodeError:
            # Python's reader also takes half a surrogate pair or a number beyond a double's range.
            return msgspec.convert(json.loads(text, parse_constant=_refuse), _Event)
    except (ValueError, RecursionError):
        raise InvalidWebhook("The body is not a LiveKit webhook event in JSON.") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _bounded(field: str, value: object, limit: int) -> str:
    """Return ``value`` as :func:`_storable` does; refuse what no index holds."""
    text = _storable(value)
    if len(text) > limit:
        raise InvalidWebhook(
            f"The event's {field} has {len(text)} characters; at most {limit} can be stored, and "
            "LiveKit's own are shorter."
        )
    return text


def _storable(value: object) -> str:
    """Return ``value`` as a text that every database stores; empty if it is no text or number."""
    if isinstance(value, str) and value.isascii() and "\0" not in value:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return storable(value) if isinstance(value, str) else ""
