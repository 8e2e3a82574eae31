"""No question about deliveries or the inbox reads a table from one end to the other.

On PostgreSQL among so many rows that its planner would rather take an index.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, Access
from domain.changes.change import Area
from domain.inbox.entry import InboxStatus
from domain.shared.identifiers import EventId, WebhookId
from domain.shared.pagination import Cursor
from domain.webhooks.delivery import DeliveryStatus
from domain.webhooks.lane_repository import LaneClaim
from tests.contract.storage.ledgers import NOON, access_of, noted, opened
from tests.contract.webhooks.examples import SECOND, new_delivery, new_webhook

ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
ROWS: Final = 60_000
SORTED: Final = ("event_id IN", "inbox.status IN")
"""A conversation has few deliveries, a moment few webhooks of LiveKit's: sorted by hand."""
_WEBHOOK: Final = "'01890a5d-ac96-774b-bcce-' || lpad((n % 20 + 1)::text, 12, '0')"
FILL: Final = (
    f"""INSERT INTO webhooks SELECT {_WEBHOOK}, 'ann', false, false, 'https://example.com', '["*"]',
    null, 's', null, null, 0, 'enabled', null, null, null, 1, now(), now()
    FROM generate_series(1, 20) n""",
    f"""INSERT INTO webhook_deliveries (id, webhook_id, tenant, sees_unowned, sees_all, event_id,
    event, lane, position, status, failures, attempts, created_at, began_at, settled_at)
    SELECT gen_random_uuid(), {_WEBHOOK}, 'ann', false, false, gen_random_uuid(), 'call.ended',
    'lane-' || n % 5000, n, (ARRAY['succeeded', 'succeeded', 'failed', 'pending'])[n % 4 + 1], 0,
    '[]', now() - n * interval '1 second', now(), CASE n % 4 WHEN 3 THEN null ELSE now() END
    FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO webhook_lanes SELECT {_WEBHOOK}, 'lane-' || n, 1,
    timestamptz '2026-01-31 12:00+00' + n * interval '1 second', null, null
    FROM generate_series(1, 5000) n""",
    f"""INSERT INTO events (id, kind, lane, sequence, occurred_at, known_at, source, data)
    SELECT gen_random_uuid(), 'call.ended', 'lane-' || n % 5000, n, now(), now(), 'api', '{{}}'
    FROM generate_series(1, {ROWS}) n""",
    f"""INSERT INTO inbox (event_id, kind, room_name, room_sid, body, received_at, due_at, status,
    failures) SELECT 'EV_' || n, 'participant_joined', 'room-' || n % 6000, 'RM_1', 'x',
    now() - n * interval '1 second', now(), 'handled', 0 FROM generate_series(1, {ROWS}) n""",
    "ANALYZE",
)


async def ask_all(storage: SqlStorage) -> None:
    """Ask everything that is asked about deliveries, and about the inbox by operators."""
    webhook, ann = new_webhook(), access_of("ann")
    deliveries, lanes, inbox = storage.webhook_deliveries, storage.webhook_lanes, storage.inbox
    place = Cursor(NOON, ID)
    claim = LaneClaim(webhook_id=webhook.id, lane="a", holder="me")
    delivery = new_delivery(webhook, 1)
    for after in (None, place):
        for status in (None, DeliveryStatus.FAILED):
            for access in (SYSTEM, ann, Access(tenant="ann", scopes=frozenset())):
                await deliveries.page(WebhookId(ID), status, after, 50, access)
                await deliveries.in_lane("a", None, status, after, 50, access)
                await deliveries.in_lane("a", EventId(ID), status, after, 50, access)
        for of in (None, InboxStatus.DEAD, InboxStatus.HANDLED):
            await inbox.list(of, 50, after=after)
            await inbox.list(of, 50, "room-1", None, after)
            await inbox.list(of, 50, "room-1", "RM_1", after)
            await inbox.list(of, 50, "room-1", "RM_1", after, kinds={"participant_joined"})
    await deliveries.oldest_failed(webhook.id, NOON, 500, ann)
    await deliveries.get(delivery.id, ann)
    await deliveries.redeliver([delivery.redelivered(NOON, in_lane=None)], NOON)
    await deliveries.remove_pending(webhook.id)
    await deliveries.prune(NOON)
    for area in (Area.DELIVERIES, Area.INBOX):
        await storage.changes.since(area, datetime.now(UTC) - 5 * SECOND, 100)
    await lanes.due(NOON)
    await lanes.claim({WebhookId(ID): 5}, "me", NOON, NOON + SECOND)
    await lanes.waiting(claim, 10)
    await lanes.settle(delivery, claim)
    await lanes.postpone(delivery, claim)
    await lanes.finish(claim, 1)
    await lanes.drop(claim)
    await lanes.release(claim, NOON)
    await lanes.renew(["me"], NOON)
    await lanes.lapse(NOON, NOON + SECOND)
    await storage.outbox.page("a", None, 50, SYSTEM)
    await storage.outbox.page("a", 7, 50, ann)


def statements(sent: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return those that look rows up, each once."""
    looks = {
        statement: parameters
        for statement, parameters in sent
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
        and "webhook_cursor" not in statement
    }
    return [*looks.items()]


async def test_sqlite_finds_them_by_an_index_and_in_order(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        assert isinstance(storage, SqlStorage)
        sent = noted(storage)
        await ask_all(storage)
        plans = []
        async with storage.database.writer.connect() as connection:
            for statement, parameters in statements(sent):
                explained = f"EXPLAIN QUERY PLAN {statement}"
                found = await connection.exec_driver_sql(explained, parameters)
                plans += [(row.detail, statement) for row in found]

    assert len(plans) > 30
    assert [one for one in plans if re.match(r"SCAN (?!webhooks|found)\w+$", one[0])] == []
    by_hand = [one for one in plans if "TEMP B-TREE FOR ORDER" in one[0] and "LIMIT" in one[1]]
    assert [one for one in by_hand if not any(part in one[1] for part in SORTED)] == []


@pytest.mark.slow
async def test_postgres_finds_them_by_an_index_among_many(postgres_url: str) -> None:
    async with opened(postgres_url, timedelta(minutes=5)) as storage:
        assert isinstance(storage, SqlStorage)
        async with storage.database.writer.begin() as connection:
            for statement in FILL:
                await connection.execute(text(statement))
        sent = noted(storage)
        await ask_all(storage)
        plans = []
        async with storage.database.writer.connect() as connection:
            for statement, parameters in statements(sent):
                found = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                plans.append(("\n".join(row[0] for row in found), statement))

    assert len(plans) > 20
    assert [one for one in plans if re.search(r"Seq Scan on (?!webhooks)", one[0])] == []
