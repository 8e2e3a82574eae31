"""What was answered to a request that its caller may repeat."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Attempt:
    """One attempt at what a caller calls ``key``.

    ``tenant`` is empty where there are no keys. ``fingerprint`` is the same for the same request.
    ``holder`` works on it until ``until``; ``since`` is the age from which an answer is forgotten.
    """

    tenant: str
    key: str
    fingerprint: str
    holder: str
    now: datetime
    until: datetime
    since: datetime

    @property
    def horizon(self) -> datetime:
        """Return the time by which any other attempt has ended: twice this attempt's lease."""
        return self.until + (self.until - self.now)

    def begun(self, created_at: datetime | None = None) -> Remembered:
        """What is remembered while this attempt works on it; the first one with no time."""
        return Remembered(
            fingerprint=self.fingerprint,
            created_at=created_at or self.now,
            holder=self.holder,
            answer=None,
            is_new=created_at is None,
        )


@attrs.frozen(kw_only=True)
class Remembered:
    """What is known of a key: when it was first used, for what, and the answer if there is one.

    ``is_new``: no earlier attempt with the key is remembered, which may have done something.
    """

    fingerprint: str
    created_at: datetime
    holder: str | None
    answer: str | None
    is_new: bool = False


class Idempotency(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def begin(self, attempt: Attempt) -> Remembered:
        """What is remembered of the key; its ``holder`` is the attempt's if this one may go on.

        That is so if no attempt holds it, and the key is new, or older than ``since``, or has the
        same fingerprint and no answer; it then keeps its ``created_at``. One that holds it does
        until its time is over, which is no later than ``horizon``, or its process is dead.
        """
        ...

    async def finish(self, attempt: Attempt, answer: str) -> None:
        """Remember ``answer``, if the attempt still holds the key."""
        ...

    async def give_up(self, attempt: Attempt) -> None:
        """Let another attempt begin at once, if this one still holds the key."""
        ...

    async def forget(self, attempt: Attempt) -> None:
        """Let the key be used for any request, if this attempt still holds it."""
        ...

    async def prune(self, before: datetime) -> int:
        """Forget keys that were first used before then and are free; how many they were."""
        ...
