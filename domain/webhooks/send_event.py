"""Send one request with an event's body, and time it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import attrs

from domain.shared.clock import Clock
from domain.webhooks.delivery import Attempt
from domain.webhooks.delivery_sender import ATTEMPT_LIMIT, DeliverySender, NotDelivered
from domain.webhooks.subscription import Webhook

_STATUSES: Final = range(100, 600)


@attrs.frozen(kw_only=True)
class Sent:
    """An attempt, and how long the receiver wants the next one to wait."""

    attempt: Attempt
    retry_after: timedelta | None = None


@attrs.frozen(kw_only=True)
class SendEvent:
    """Sign a body with a webhook's secrets and send it, in ``limit`` at most."""

    sender: DeliverySender
    clock: Clock
    limit: timedelta = ATTEMPT_LIMIT

    async def __call__(self, webhook: Webhook, event_id: str, body: bytes) -> Sent:
        """Return what came of it; never raises for a receiver's fault."""
        at, began = self.clock.now(), self.clock.monotonic()
        status: int | None = None
        error: str | None = None
        retry_after: timedelta | None = None
        try:
            async with asyncio.timeout(self.limit.total_seconds()):
                answer = await self.sender.send(webhook.url, webhook.secrets(at), event_id, body)
        except TimeoutError:
            error = f"The receiver did not answer within {self.limit.total_seconds():g} s."
        except NotDelivered as failed:
            error = str(failed)
        except Exception as defect:  # noqa: BLE001 - whatever it is, the retries have their end
            error = f"The request failed unexpectedly ({type(defect).__name__})."
        else:
            if answer.status in _STATUSES:
                status = answer.status
            else:
                error = "The receiver answered with a status that HTTP does not have."
            if answer.retry_after_seconds is not None:
                retry_after = timedelta(seconds=answer.retry_after_seconds)
        duration = round((self.clock.monotonic() - began) * 1000)
        attempt = Attempt(at=at, status_code=status, error=error, duration_ms=duration)
        if error is None and not attempt.has_succeeded:
            attempt = attrs.evolve(attempt, error=_refusal(status))
        return Sent(attempt=attempt, retry_after=retry_after)


def _refusal(status: int | None) -> str:
    if status is not None and 300 <= status < 400:
        return f"The receiver answered with a redirect ({status}), which is not followed."
    return f"The receiver answered with the status {status}."
