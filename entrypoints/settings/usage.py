"""What the usage of models costs."""

from __future__ import annotations

import attrs

from domain.usage.price_table import PriceTable
from entrypoints.settings.price_file import parse_price_file
from entrypoints.settings.variable import optional


@attrs.frozen(kw_only=True, slots=False)
class UsageSettings:
    """The prices of models; None: costs are not shown."""

    prices: PriceTable | None = optional("PRICES_FILE", parse_price_file, None)
