"""Ask a number's webhook how to answer a call, and decide in any case."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM, Access
from domain.phone_numbers.call_route import CallRoute, WebhookExchange
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.route_call import UNUSABLE, RouteCall
from domain.phone_numbers.webhook_exchange import (
    CallRequest,
    NoAnswer,
    WebhookAnswer,
    WebhookSender,
)
from domain.shared.clock import Clock
from domain.shared.webhook_target import shown_url

BUDGET: Final = timedelta(milliseconds=2500)
"""For both attempts together."""
FIRST_ATTEMPT: Final = timedelta(milliseconds=1500)
ATTEMPTS: Final = 2


@attrs.define(kw_only=True)
class AskWebhook:
    """Send one request, and a second one if the first got no answer; then go by default.

    ``budget`` bounds both attempts.
    """

    sender: WebhookSender
    route_call: RouteCall
    clock: Clock
    budget: timedelta = BUDGET
    first_attempt: timedelta = FIRST_ATTEMPT

    async def __call__(
        self, entry: PhoneNumber, webhook: PreCallWebhook, request: CallRequest
    ) -> CallRoute:
        """Return the decision: the webhook's, or that of ``entry`` and why.

        Raises ``StorageUnavailable``.
        """
        asked = _Asked(self, webhook, request)
        try:
            answer = await asked()
        except NoAnswer as reason:
            because = f"the webhook {reason}"
            return await self.route_call.by_number(entry, because, asked.exchange)
        return await self._route(entry, answer, asked.exchange)

    async def _route(
        self, entry: PhoneNumber, answer: WebhookAnswer, exchange: WebhookExchange
    ) -> CallRoute:
        route = attrs.evolve(
            self.route_call.at(entry, None, exchange),
            variables=answer.variables,
            agent_config=answer.agent_config,
            metadata=answer.metadata,
            reject=answer.reject,
        )
        if answer.reject is not None:
            return route
        agent, access = str(answer.agent or entry.agent_id), SYSTEM
        if answer.agent is not None and answer.agent.agent_id != entry.agent_id:
            access = Access(tenant=entry.tenant, scopes=frozenset(), sees_unowned=False)
        try:
            chosen = await self.route_call.used(agent, route, access)
        except UNUSABLE as error:
            because = f"the webhook's answer cannot be used: {error}"
            return await self.route_call.by_number(entry, because, exchange)
        return attrs.evolve(route, agent=f"{chosen.agent_id}@{chosen.version}")


@attrs.define
class _Asked:
    """The attempts of one call; ``exchange`` is what happened so far."""

    use: AskWebhook
    webhook: PreCallWebhook
    request: CallRequest
    exchange: WebhookExchange = attrs.field(init=False)

    @exchange.default
    def _begun(self) -> WebhookExchange:
        return WebhookExchange(url=shown_url(self.webhook.url), asked_at=self.use.clock.now())

    async def __call__(self) -> WebhookAnswer:
        """Return the first answer. Raises :class:`NoAnswer`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        ends = began + self.use.budget.total_seconds()
        reason = NoAnswer("was not asked")
        for attempt in range(1, ATTEMPTS + 1):
            self.exchange = attrs.evolve(self.exchange, attempts=attempt)
            first = loop.time() + self.use.first_attempt.total_seconds()
            try:
                async with asyncio.timeout_at(ends if attempt == ATTEMPTS else min(first, ends)):
                    body = await self.use.sender.send(
                        self.webhook, self.request.call_id, self.request.body
                    )
            except TimeoutError:
                limit = self.use.budget.total_seconds()
                reason = NoAnswer(f"did not answer within {limit:g} s", may_retry=True)
            except NoAnswer as failed:
                reason = failed
            else:
                self.exchange = attrs.evolve(
                    self.exchange,
                    answered_at=self.use.clock.now(),
                    answered_after_ms=round((loop.time() - began) * 1000),
                )
                return WebhookAnswer.parse(body)
            if not reason.may_retry:
                break
        raise reason
