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
from domain.phone_numbers.call_route import CallRoute
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.route_call import RouteCall
from domain.phone_numbers.webhook_exchange import CallRequest
from domain.rooms.sip_leg import SipLeg
from domain.shared.background_tasks import BackgroundTasks
from domain.shared.errors import ClaimHeld, Conflict, DomainError, LeftToOthers, TooEarly
from domain.shared.identifiers import CallId

ASKED_WITHIN: Final = BUDGET + timedelta(milliseconds=500)
"""After which a call that is still not decided is taken up again: its process has died."""


MOST: Final = 256
"""Webhooks that this process asks at the same time."""
MOST_OF_A_TENANT: Final = 64
MOST_OF_A_NUMBER: Final = 32


@attrs.frozen(kw_only=True)
class AskBeforeCall:
    """Ask in a task of its own, store the decision, and act on what is stored.

    The event of the call is deferred meanwhile, so that a webhook that is slow takes no place of
    other events, and the call is taken up again if this process dies. Where two processes ask, the
    decision that is stored first is the one on which both act. A number and a tenant have so many
    requests under way at most, so that webhooks that hang take nothing from others. ``failed`` is
    called with what stopped the task.
    """

    ask_webhook: AskWebhook
    route_call: RouteCall
    record_call_fact: RecordCallFact
    failed: Callable[[Call, Exception], None] = lambda _call, _error: None
    _tasks: BackgroundTasks = attrs.field(factory=BackgroundTasks, init=False)
    _asking: dict[CallId, PhoneNumber | None] = attrs.field(factory=dict, init=False)
    """The number whose webhook is asked; None: it is not asked, as too many are."""

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
        self._asking[call.id] = entry if self._may_ask(entry) else None
        self._tasks.start(self._decide(call, leg, entry, webhook, then))

    async def settled(self) -> None:
        """Return once all that is being asked now is decided, or its time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ASKED_WITHIN.total_seconds()):
                await self._tasks.settled()

    def _may_ask(self, entry: PhoneNumber) -> bool:
        asked = [each for each in self._asking.values() if each is not None]
        return (
            len(asked) < MOST
            and sum(each.tenant == entry.tenant for each in asked) < MOST_OF_A_TENANT
            and sum(each.id == entry.id for each in asked) < MOST_OF_A_NUMBER
        )

    async def _decide(
        self,
        call: Call,
        leg: SipLeg,
        entry: PhoneNumber,
        webhook: PreCallWebhook,
        then: Callable[[Call], Awaitable[object]],
    ) -> None:
        try:
            await then(await self._decided(call, leg, entry, webhook))
        except (ClaimHeld, Conflict, LeftToOthers, TooEarly):
            pass  # another attempt follows with the call's event, or by the reconciler
        except Exception as error:  # noqa: BLE001 - else no one learns of it
            self.failed(call, error)
        finally:
            del self._asking[call.id]

    async def _decided(
        self, call: Call, leg: SipLeg, entry: PhoneNumber, webhook: PreCallWebhook
    ) -> Call:
        """Return the call with a stored decision; after a defect too, or it would never get one."""
        record = self.record_call_fact.on_known
        try:
            return await record(call, CallRouted(await self._route(call, leg, entry, webhook)))
        except DomainError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect, or what storage cannot hold
            self.failed(call, error)
        because = "asking the webhook failed unexpectedly"
        return await record(call, CallRouted(await self.route_call.by_number(entry, because)))

    async def _route(
        self, call: Call, leg: SipLeg, entry: PhoneNumber, webhook: PreCallWebhook
    ) -> CallRoute:
        if self._asking[call.id] is None:
            because = "too many pre-call webhooks wait for an answer"
            return await self.route_call.by_number(entry, because)
        request = CallRequest(
            call_id=str(call.id),
            from_number=leg.from_number,
            to_number=leg.to_number,
            trunk_id=leg.trunk_id,
            headers=leg.headers,
        )
        return await self.ask_webhook(entry, webhook, request)
