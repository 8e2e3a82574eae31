"""Which identities users may have."""

from __future__ import annotations

import enum
import re
from typing import Final

import attrs

from domain.sessions.session import Session
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import Identity

MAX_IDENTITY_BYTES: Final = 256
"""LiveKit's own limit (``max_participant_identity_length``, livekit-server 1.13.5)."""

AGENT_PREFIX: Final = "agent-AJ_"
"""How the identities of LiveKit's agents begin, followed by the rest of the job's id."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class IdentityCharset(enum.StrEnum):
    """What IDENTITY_CHARSET permits."""

    CONTRACT = "contract"
    """1 to 128 of ``A-Z a-z 0-9 _ -``, which URLs carry unescaped."""
    ANY = "any"
    """Whatever LiveKit takes: 1 to 256 bytes of UTF-8; no control characters."""


@attrs.frozen(kw_only=True)
class UserIdentities:
    """Check the identities of users.

    Identities are compared character by character, as LiveKit compares them: they are not
    normalised (Unicode's NFC, upper and lower case). Only surrounding white space is removed.
    A participant who joins removes another one of the same identity from the room, so no user gets
    an agent's identity, nor a caller's in the room of a phone call.
    """

    charset: IdentityCharset = IdentityCharset.CONTRACT
    phone_prefix: str = "sip_"

    def parse(self, raw: str) -> Identity:
        """Return the identity that a caller gives to a user. Raises :class:`InvalidInput`."""
        if self.charset is IdentityCharset.CONTRACT:
            identity = _of_contract(raw)
        else:
            identity = _of_livekit(raw)
        if identity.value.startswith(AGENT_PREFIX):
            raise _refused(f"must not begin with '{AGENT_PREFIX}', as those of agents do.")
        return identity

    def check_free(self, identity: Identity, session: Session) -> None:
        """Raise :class:`InvalidInput` for an identity that another participant of the room has."""
        if identity.value == session.agent_identity:
            raise _refused("must not be that of the session's agent.")
        prefix = self.phone_prefix
        if session.phone is not None and prefix and identity.value.startswith(prefix):
            raise _refused(
                f"must not begin with '{prefix}' in the room of a phone call, as its caller's may."
            )


def _of_contract(raw: str) -> Identity:
    try:
        return Identity.parse(raw)
    except InvalidInput as error:
        raise _refused(
            f"{str(error).removeprefix(Identity.field).strip(' .')}. That is the rule of "
            "IDENTITY_CHARSET=contract; IDENTITY_CHARSET=any also takes e-mail addresses and any "
            "other name that LiveKit takes."
        ) from None


def _of_livekit(raw: str) -> Identity:
    name = raw.strip() if isinstance(raw, str) else ""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        size = 0
    if not 1 <= size <= MAX_IDENTITY_BYTES or _CONTROL.search(name):
        raise _refused(
            f"must be 1 to {MAX_IDENTITY_BYTES} bytes of UTF-8 without control characters, the "
            "rule of IDENTITY_CHARSET=any."
        )
    return Identity(name)


def _refused(rule: str) -> InvalidInput:
    return InvalidInput(f"{Identity.field} {rule}", field=Identity.field, example=Identity.example)
