"""A dated table of models' prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from fractions import Fraction

import attrs

from domain.usage.model_usage import ModelUsage
from domain.usage.prices import Cost, Price, Rates, names_of


@attrs.frozen(kw_only=True)
class PriceTable:
    """Prices in one currency, under a name that is shown with each cost.

    No two prices of one pattern overlap in time.
    """

    name: str
    currency: str
    prices: Sequence[Price]
    _by_precedence: Sequence[Price] = attrs.field(init=False, eq=False, repr=False)

    @_by_precedence.default
    def _sorted(self) -> Sequence[Price]:
        return sorted(self.prices, key=lambda price: price.precedence)

    def breaks(self, since: datetime, until: datetime) -> list[date]:
        """Return the days within a range on which some price begins or ends, sorted."""
        days = {day for price in self.prices for day in (price.since, price.until) if day}
        return sorted(day for day in days if since.date() < day <= until.date())

    def rates(self, provider: str, model: str, day: date) -> Rates | None:
        """Return the rates of a model on ``day``; None if it has no price then."""
        names = names_of(provider, model)
        for price in self._by_precedence:
            if price.holds_on(day) and any(price.is_of(name) for name in names):
                return price.rates
        return None

    def cost(self, used: Iterable[tuple[date, ModelUsage]]) -> Cost:
        """Return what usage costs by the prices of the day that each session started on."""
        amount, unpriced = Fraction(), set[str]()
        for day, usage in used:
            rates = self.rates(usage.provider, usage.model, day)
            cost = None if rates is None else rates.cost(usage)
            if cost is not None:
                amount += cost
            elif not usage.is_nothing:
                unpriced.add("/".join(filter(None, (usage.provider, usage.model))) or usage.kind)
        return Cost(
            amount=amount,
            currency=self.currency,
            price_table=self.name,
            unpriced=tuple(sorted(unpriced)),
        )
