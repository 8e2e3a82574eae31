"""Do once what a caller may ask for several times."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs

from domain.access.access import Access
from domain.idempotency.repository import Attempt, Idempotency
from domain.shared.clock import Clock
from domain.shared.errors import DomainError, InvalidInput
from domain.shared.idempotency_errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from domain.shared.ids import IdGenerator

REMEMBERED: Final = timedelta(hours=24)
LEASE: Final = timedelta(seconds=60)
"""How long a key stays in flight at most whose process is dead and was never registered.

A request that takes longer, because LiveKit is slow at every step, meets the next attempt at what
both of them name alike, as any two requests do.
"""

HEADER: Final = "Idempotency-Key"
_NAMESPACE: Final = uuid.UUID("01a2074e-8b46-7010-b8f8-28073a54b3a7")
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


@attrs.frozen
class Answered:
    """What was answered, and whether that was to an earlier request."""

    text: str
    replayed: bool


@attrs.frozen(kw_only=True)
class IdempotentExecution:
    """The first request with a key is carried out; a repetition gets the same answer for a day.

    By the draft draft-ietf-httpapi-idempotency-key-header-07. A failure is not remembered: the
    next attempt tries again. A first attempt that was refused before it did anything
    (``DomainError.is_refusal``) leaves the key unused, so that it is still good for the corrected
    request. After any other failure something may have been done, and the key stays this request's.
    """

    idempotency: Idempotency
    clock: Clock
    ids: IdGenerator

    async def __call__(
        self,
        key: str,
        access: Access,
        fingerprint: str,
        do: Callable[[uuid.UUID], Awaitable[str]],
    ) -> Answered:
        """What ``do`` returned to the first request with this ``key`` of this tenant's.

        ``do`` gets a UUID that is the same for each attempt with the key, so that one that was
        killed halfway is taken up rather than repeated. Raises
        ``InvalidInput``, ``IdempotencyKeyReused``,
        :class:`~domain.shared.errors.IdempotencyKeyInFlight`, and what ``do`` raises.
        """
        attempt = self._attempt(key, access, fingerprint)
        found = await self.idempotency.begin(attempt)
        if found.fingerprint != fingerprint:
            raise IdempotencyKeyReused(
                f"This {HEADER} was used for another request; make a new one.", field=HEADER
            )
        if found.answer is not None:
            return Answered(found.answer, replayed=True)
        if found.holder != attempt.holder:
            raise IdempotencyKeyInFlight(
                f"A request with this {HEADER} is still being carried out.", field=HEADER
            )
        seed = f"{attempt.tenant}\n{attempt.key}\n{found.created_at.isoformat()}"
        try:
            response = await do(uuid.uuid5(_NAMESPACE, seed))
        except BaseException as error:
            refused = isinstance(error, DomainError) and error.is_refusal
            release = self.idempotency.give_up
            if refused and found.is_new:
                release = self.idempotency.forget
            with suppress(DomainError):  # then the key is free when its lease is over
                await release(attempt)
            raise
        await self.idempotency.finish(attempt, response)
        return Answered(response, replayed=False)

    def _attempt(self, key: str, access: Access, fingerprint: str) -> Attempt:
        now = self.clock.now()
        return Attempt(
            tenant=access.tenant or "",
            key=_parsed(key),
            fingerprint=fingerprint,
            holder=self.ids.claim_holder(),
            now=now,
            until=now + LEASE,
            since=now - REMEMBERED,
        )


def _parsed(raw: str) -> str:
    """The key, with or without the quotation marks of a structured field (RFC 8941)."""
    key = raw.strip()
    if quoted := _QUOTED.fullmatch(key):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            f"{HEADER} must be 1 to 255 printable ASCII characters.",
            field=HEADER,
            example="8e03978e-40d5-43dd-bc93-6894a57f9324",
        )
    return key
