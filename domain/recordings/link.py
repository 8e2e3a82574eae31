"""Short-lived links, which play a recording without a key."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import attrs

from domain.access.access import Access
from domain.recordings.read_recordings import ReadRecordings
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.identifiers import RecordingId
from domain.shared.recording_errors import InvalidLink

DEFAULT_TTL_SECONDS: Final = 300
MIN_TTL_SECONDS: Final = 10
MAX_TTL_SECONDS: Final = 3600


class LinkSigner(Protocol):
    """Signs links."""

    def signature(self, recording_id: str, expires: int) -> str:
        """Return the signature of a link that expires then (Unix seconds); 43 characters."""
        ...


@attrs.frozen
class Link:
    """What a link consists of."""

    recording_id: RecordingId
    expires_at: datetime
    signature: str

    @property
    def path(self) -> str:
        """Return the URL's path and query."""
        expires = int(self.expires_at.timestamp())
        return f"/recordings/{self.recording_id}?expires={expires}&signature={self.signature}"


@attrs.frozen(kw_only=True)
class MakeLink:
    """Makes links to recordings that their maker may play.

    A link conveys no more than one recording, and ends with it.
    """

    read_recordings: ReadRecordings
    signer: LinkSigner
    clock: Clock

    async def of_session(
        self,
        session_id: str,
        access: Access,
        recording_id: str | None = None,
        ttl_seconds: int = DEFAULT_TTL_SECONDS,
    ) -> Link:
        """Return a link to the session's newest recording that can be played, or the one given.

        Raises ``NotFound`` or ``InvalidInput``.
        """
        found = await self.read_recordings.of_session(session_id, access, recording_id)
        for recording in found:
            if recording.is_playable:
                return self.to(recording.id, ttl_seconds)
        raise NotFound("This session has no recording that can be played.")

    def to(self, recording_id: RecordingId, ttl_seconds: int = DEFAULT_TTL_SECONDS) -> Link:
        """Return a link to a recording. Raises ``InvalidInput``."""
        if not MIN_TTL_SECONDS <= ttl_seconds <= MAX_TTL_SECONDS:
            raise InvalidInput(
                f"ttlSeconds must be from {MIN_TTL_SECONDS} to {MAX_TTL_SECONDS}.",
                field="ttlSeconds",
                example=DEFAULT_TTL_SECONDS,
            )
        expires = int((self.clock.now() + timedelta(seconds=ttl_seconds)).timestamp())
        signature = self.signer.signature(str(recording_id), expires)
        return Link(recording_id, datetime.fromtimestamp(expires, UTC), signature)


def check_link(
    signer: LinkSigner,
    recording_id: str,
    expires: str | None,
    signature: str | None,
    now: datetime,
) -> None:
    """Raise ``InvalidLink`` unless the signature is one of ours and has not expired."""
    given = expires or ""
    if given.isascii() and given.isdigit() and len(given) <= 12:
        expected = signer.signature(recording_id, int(given)).encode()
        sent = (signature or "").encode(errors="replace")
        if hmac.compare_digest(expected, sent) and now.timestamp() < int(given):
            return
    raise InvalidLink("This link is not valid, or no longer: ask for a new one.")
