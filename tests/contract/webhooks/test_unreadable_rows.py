"""Rows that this version cannot read stop no other deliveries."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, update

from adapters.sqlalchemy.events.table import events
from adapters.sqlalchemy.webhooks.table import webhooks
from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind, NewEvent
from domain.shared.errors import Unreadable
from domain.shared.identifiers import SessionId
from domain.shared.timeline import Source
from domain.webhooks.fan_out import FanOut
from tests.contract.storage.ledgers import NOON, opened
from tests.contract.webhooks.examples import new_webhook
from tests.databases import sqlite_in
from tests.unit.worlds.fakes import FakeClock, SequentialIds

SESSION = SessionId("00000000-0000-7000-8000-000000000001")


async def test_given_a_kind_and_a_webhook_that_are_not_known_then_the_others_are_enqueued(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    async with opened(sqlite_in(tmp_path)) as ledger:
        good, bad = new_webhook(), new_webhook()
        for webhook in (good, bad):
            await ledger.webhooks.add(webhook)
        async with ledger.unit_of_work() as work:
            for _ in range(2):
                await work.events.append(
                    NewEvent(
                        kind=EventKind.SESSION_CREATED, occurred_at=NOON, source=Source.API,
                        data={}, tenant="ann", session_id=SESSION,
                    )
                )  # fmt: skip
            await work.commit()
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            newer = {"kind": "session.newer", "source": "newer"}
            first = (events.c.lane == SESSION.value) & (events.c.sequence == 1)
            connection.execute(update(events).where(first).values(newer))
            connection.execute(
                update(webhooks).where(webhooks.c.id == bad.id.value).values(status="newer")
            )
        engine.dispose()
        fan_out = FanOut(
            outbox=ledger.outbox, webhooks=ledger.webhooks,
            deliveries=ledger.webhook_deliveries, clock=FakeClock(), ids=SequentialIds(),
        )  # fmt: skip

        with pytest.raises(Unreadable, match=bad.id.value):
            await fan_out()

        found = await ledger.webhook_deliveries.page(good.id, None, None, 9, access=SYSTEM)
        assert {each.event for each in found} == {"session.created", "session.newer"}
        assert await ledger.webhook_deliveries.cursor() == 4  # with those of the webhooks
