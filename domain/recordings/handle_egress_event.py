"""Record what a webhook event reports of an egress."""

from __future__ import annotations

import attrs

from domain.recordings.egress import EgressReader
from domain.recordings.settle_egress import SettleEgress
from domain.shared.timeline import Source


@attrs.frozen
class HandleEgressEvent:
    """Handle events that may be late, repeated, reordered or lost."""

    reader: EgressReader
    settle_egress: SettleEgress

    async def __call__(self, body: bytes) -> None:
        """Handle the event in ``body``.

        Raises :class:`~domain.shared.errors.InvalidWebhook`, and as :class:`SettleEgress`.
        """
        fact = self.reader.read(body)
        if fact is not None:
            await self.settle_egress(fact, Source.WEBHOOK)
