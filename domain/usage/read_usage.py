"""Read what a session or a call has used, and what that costs."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import attrs

from domain.access.access import Access
from domain.sessions.session import Session
from domain.shared.identifiers import CallId, SessionId
from domain.shared.look_up import look_up
from domain.shared.unit_of_work import UnitOfWorkFactory
from domain.usage.model_usage import ModelUsage
from domain.usage.price_table import PriceTable
from domain.usage.prices import Cost
from domain.usage.repository import UsageWork


@attrs.frozen(kw_only=True)
class UsageAndCost:
    """The usage of each model; ``cost`` is None without a price table."""

    models: list[ModelUsage]
    cost: Cost | None


@attrs.frozen
class ReadUsage:
    """Reads the ledger. The cost is computed anew each time, by ``prices`` (None: no cost)."""

    unit_of_work: UnitOfWorkFactory[UsageWork]
    prices: PriceTable | None

    async def by_session(self, session_id: str, access: Access) -> UsageAndCost:
        """Return what a visible session has used. Raises ``NotFound``."""
        async with self.unit_of_work() as work:
            find = partial(work.sessions.get, access=access)
            session = await look_up(
                session_id,
                SessionId,
                find,
                missing="There is no session with this id.",
                field="sessionId",
            )
            return await self.within(work, session, access)

    async def by_call(self, call_id: str, access: Access) -> UsageAndCost:
        """Return what the session of a visible call has used. Raises ``NotFound``.

        Nothing, for a call that has no session or one that ``access`` does not see.
        """
        missing = "There is no call with this id."
        async with self.unit_of_work() as work:
            find = partial(work.calls.get, access=access)
            call = await look_up(call_id, CallId, find, missing=missing, field="callId")
            session = None
            if call.session_id is not None:
                session = await work.sessions.get(call.session_id, access)
            if session is None:
                return self._priced([], call.created_at)
            return await self.within(work, session, access)

    async def within(self, work: UsageWork, session: Session, access: Access) -> UsageAndCost:
        """Return what ``session`` has used as ``work`` sees it, changes of its own included."""
        models = await work.usage.of_session(session.id, access)
        return self._priced(models, session.created_at)

    def _priced(self, models: list[ModelUsage], since: datetime) -> UsageAndCost:
        if self.prices is None:
            return UsageAndCost(models=models, cost=None)
        cost = self.prices.cost((since.date(), usage) for usage in models)
        return UsageAndCost(models=models, cost=cost)
