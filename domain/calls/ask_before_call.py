"""Have a number's webhook decide a call while other events go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs

from domain.calls.call import Call
from domain.calls.call_facts import CallRouted
from domain.calls.record_call_fact import RecordCallFact
from domain.phone_numbers.ask_webhook import BUDGET, AskWebhook
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.webhook_exchange import CallRequest
from domain.rooms.sip_leg import SipLeg
from domain.shared.background_tasks import BackgroundTasks
from domain.shared.errors import ClaimHeld, Conflict, DomainError, LeftToOthers, TooEarly
from domain.shared.identifiers import CallId

ASKED_WITHIN: Final = BUDGET + timedelta(milliseconds=500)
"""After which a call that is still not decided is taken up again: its process has died."""


@attrs.frozen(kw_only=True)
class AskBeforeCall:
    """Ask in a task of its own, store the decision, and act on what is stored.

    The event of the call is deferred meanwhile, so that a webhook that is slow takes no place of
    other events, and the call is taken up again if this process dies. Where two processes ask, the
    decision that is stored first is the one on which both act. ``failed`` is called with what
    stopped the task.
    """

    ask_webhook: AskWebhook
    record_call_fact: RecordCallFact
    failed: Callable[[Call, DomainError], None] = lambda _call, _error: None
    _tasks: BackgroundTasks = attrs.field(factory=BackgroundTasks, init=False)
    _asking: set[CallId] = attrs.field(factory=set, init=False)

    def begin(
        self,
        call: Call,
        leg: SipLeg,
        entry: PhoneNumber,
        webhook: PreCallWebhook,
        then: Callable[[Call], Awaitable[object]],
    ) -> None:
        """Begin unless the call is being asked about; ``then`` is called with the decided call."""
        if call.id in self._asking:
            return
        self._asking.add(call.id)
        self._tasks.start(self._decide(call, leg, entry, webhook, then))

    async def settled(self) -> None:
        """Return once all that is being asked now is decided, or its time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ASKED_WITHIN.total_seconds()):
                await self._tasks.settled()

    async def _decide(
        self,
        call: Call,
        leg: SipLeg,
        entry: PhoneNumber,
        webhook: PreCallWebhook,
        then: Callable[[Call], Awaitable[object]],
    ) -> None:
        request = CallRequest(
            call_id=str(call.id),
            from_number=leg.from_number,
            to_number=leg.to_number,
            trunk_id=leg.trunk_id,
            headers=leg.headers,
        )
        try:
            route = await self.ask_webhook(entry, webhook, request)
            await then(await self.record_call_fact.on_known(call, CallRouted(route)))
        except (ClaimHeld, Conflict, LeftToOthers, TooEarly):
            pass  # another attempt follows with the call's event, or by the reconciler
        except DomainError as error:
            self.failed(call, error)
        finally:
            self._asking.discard(call.id)
