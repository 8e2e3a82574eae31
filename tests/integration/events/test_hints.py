"""GET /events?changes=true: what another process changes is hinted to those who may read it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, WORK, Scope
from domain.access.manage_keys import CreateKeyCommand
from domain.webhooks.delivery import Attempt
from domain.webhooks.subscription import Reach
from entrypoints.container import Container
from entrypoints.container import running as opened
from entrypoints.settings import load_settings
from tests.contract.webhooks.examples import new_delivery, new_webhook
from tests.databases import sqlite_in
from tests.integration.events.test_stream import Served, Stream, listening
from tests.service import start
from tests.simulator import SimulatorProcess

HOUR = timedelta(hours=1)


async def _make_keys(environ: dict[str, str], folder: Path) -> dict[str, str]:
    scopes = WORK | {Scope.WEBHOOKS_READ}
    async with opened(Container(settings=load_settings(environ, folder))) as container:
        create = container.manage_keys().create
        commands = [CreateKeyCommand(name=n, tenant=n, scopes=scopes) for n in ("acme", "other")]
        return {command.name: (await create(command, SYSTEM)).text for command in commands}


@pytest.fixture(scope="module")
def environ(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("hints")
    return {**simulator_process.environ, "DATABASE_URL": sqlite_in(folder)}


@pytest.fixture(scope="module")
def served(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("service")
    keys = asyncio.run(_make_keys(environ, folder))
    service = start(environ, folder)
    try:
        yield Served(service, keys)
    finally:
        service.kill()


async def _fail_an_attempt(url: str, tenant: str) -> None:
    """Store a delivery's failed attempt, as a process does that has just made it."""
    now = datetime.now(UTC)
    webhook = new_webhook(reach=Reach(tenant=tenant, sees_unowned=False), created_at=now)
    delivery = new_delivery(
        webhook, 1, created_at=now - HOUR, began_at=now - HOUR, next_attempt_at=now + HOUR
    )
    async with SqlStorage(url) as ledger:
        deliveries, lanes = ledger.webhook_deliveries, ledger.webhook_lanes
        await ledger.webhooks.add(webhook)
        while True:
            at = await deliveries.cursor()
            if await deliveries.fan_out([delivery], at, (at or 0)):
                break
        # Not due, so that the service makes no attempt meanwhile.
        later = now + HOUR
        (claim,) = await lanes.claim({webhook.id: 1}, "another", later, later + HOUR)
        attempt = Attempt(at=datetime.now(UTC), status_code=503, error="It answered 503.")
        assert await lanes.postpone(delivery.retried(attempt, None), claim)


def hinted(stream: Stream) -> Any:
    event = stream.next()
    assert (event.kind, event.id) == ("changed", "")
    return event.data


def test_another_process_s_failed_attempt_is_hinted_to_its_tenant_alone(
    served: Served, environ: dict[str, str]
) -> None:
    own = {"changes": "true", "origin": served.service.url}
    with (
        listening(served, "acme", **own) as acme,
        listening(served, "other", **own) as other,
        listening(served, "acme", changes="true") as page_of_others,
        listening(served, "acme", origin=served.service.url) as silent,
    ):
        asyncio.run(_fail_an_attempt(environ["DATABASE_URL"], "acme"))

        assert hinted(acme) == {"areas": ["deliveries"]}

        # Whatever else would have come before these.
        session, theirs = served.session("acme"), served.session("other")
        for stream in (acme, page_of_others, silent):
            assert stream.next().data["sessionId"] == session
        assert other.next().data["sessionId"] == theirs


def test_what_is_neither_true_nor_false_is_refused(served: Served) -> None:
    answer = served.get("acme", changes="perhaps")

    assert (answer.status_code, answer.json()["field"]) == (400, "changes")


def test_a_stream_that_ends_has_no_hints(served: Served) -> None:
    answer = served.get("acme", changes="true", follow="false")

    assert isinstance(answer, httpx.Response)
    assert "event: changed" not in answer.text
