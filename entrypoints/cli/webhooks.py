"""``backend webhooks …``: where domain events are delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import typer

from domain.access.access import SYSTEM, Access, Scope
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT
from domain.webhooks.delivery import Delivery, DeliveryStatus
from domain.webhooks.subscription import Webhook, WebhookStatus
from entrypoints.cli.output import printable, show
from entrypoints.cli.process import ledger
from entrypoints.cli.records import json_of, show_page
from entrypoints.container import Container
from entrypoints.presenters.times import rfc3339, rfc3339_or_none
from entrypoints.presenters.webhooks import delivery_response, webhook_response

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Have domain events sent to URLs.")

_HEADER: Final = ("id", "tenant", "status", "events", "url", "description")
_DELIVERIES: Final = ("id", "event", "status", "attempts", "next attempt", "created", "last error")

WebhookIdArgument = Annotated[
    str, typer.Argument(metavar="WEBHOOK_ID", help="As `webhooks list` shows it.")
]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="KIND", help="A kind of event; repeatable."),
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, as the HTTP API shows it.")]
Limit = Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="How many at most.")]


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="The URL to send events to.")],
    events: Events = None,
    description: Description = None,
    tenant: Annotated[
        str | None, typer.Option(help="Whose events it gets; every tenant's if not given.")
    ] = None,
) -> None:
    """Send events to a URL from now on: all kinds, or those of --event.

    Prints the secret that signs the requests, this once only.
    """
    given: dict[str, Any] = {"url": url, "events": events or ["*"], "description": description}
    access = SYSTEM
    if tenant is not None:
        scopes = frozenset({Scope.WEBHOOKS_WRITE})
        access = Access(tenant=tenant, scopes=scopes, sees_unowned=False)
    added = _with(lambda container: container.manage_webhooks().create(given, access))
    show(_HEADER, [_row(added)])
    typer.echo(added.secret)


@app.command("list")
def list_webhooks(*, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False) -> None:
    """List the webhooks of every tenant, the newest first."""
    page = _with(lambda container: container.manage_webhooks().page(SYSTEM, limit=limit))
    show_page(page, _HEADER, _row, _json if as_json else None, "raise --limit")


@app.command("update")
def update(
    webhook_id: WebhookIdArgument,
    url: Annotated[str | None, typer.Option(help="Another URL.")] = None,
    events: Events = None,
    description: Description = None,
    status: Annotated[
        WebhookStatus | None, typer.Option(help="`enabled` resumes a disabled webhook.")
    ] = None,
) -> None:
    """Change a webhook; what waits already goes to the new URL."""
    given = {
        "url": url,
        "events": events or None,
        "description": description,
        "status": None if status is None else status.value,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    changed = _with(
        lambda container: container.manage_webhooks().change(webhook_id, changes, SYSTEM)
    )
    show(_HEADER, [_row(changed)])


@app.command("remove")
def remove(webhook_id: WebhookIdArgument) -> None:
    """Delete a webhook and what waits for it."""
    _with(lambda container: container.manage_webhooks().delete(webhook_id, SYSTEM))
    typer.echo(f"The webhook {printable(webhook_id)} is deleted.")


@app.command("rotate-secret")
def rotate_secret(webhook_id: WebhookIdArgument) -> None:
    """Replace the secret and print the new one; the old one also signs for 24 hours."""
    rotated = _with(lambda container: container.manage_webhooks().rotate_secret(webhook_id, SYSTEM))
    typer.echo(rotated.secret)
    typer.echo(
        f"The secret before it also signs until {rfc3339_or_none(rotated.previous_until)}.",
        err=True,
    )


@app.command("test")
def test(webhook_id: WebhookIdArgument) -> None:
    """Send a test event at once and print what the receiver answered; exit 1 if it refused."""

    async def run() -> None:
        async with ledger() as container:
            try:
                attempt = await container.try_webhook()(webhook_id, SYSTEM)
            finally:
                await container.delivery_sender().close()
        typer.echo(attempt.error or f"The receiver answered with the status {attempt.status_code}.")
        if not attempt.has_succeeded:
            raise typer.Exit(1)

    asyncio.run(run())


@app.command("deliveries")
def deliveries(
    webhook_id: WebhookIdArgument,
    *,
    status: Annotated[DeliveryStatus | None, typer.Option(help="Which deliveries.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List what a webhook got, or is to get, the newest first."""
    page = _with(
        lambda container: container.manage_deliveries().page(
            webhook_id, SYSTEM, status=status, limit=limit
        )
    )
    as_text = (lambda delivery: json_of(delivery_response(delivery))) if as_json else None
    show_page(page, _DELIVERIES, _delivery_row, as_text, "raise --limit")


@app.command("redeliver")
def redeliver(
    delivery_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="DELIVERY_ID...", help="As `webhooks deliveries` shows."),
    ] = None,
    *,
    failed: Annotated[
        str | None,
        typer.Option("--failed", metavar="WEBHOOK_ID", help="All failed deliveries of a webhook."),
    ] = None,
) -> None:
    """Have the service send deliveries again: at once, or with --failed in their order."""
    if bool(delivery_ids) == (failed is not None):
        raise typer.BadParameter("Name the deliveries to send, or a webhook with --failed.")

    async def run(container: Container) -> int:
        manage = container.manage_deliveries()
        if failed is None:
            return len([await manage.redeliver(one, SYSTEM) for one in delivery_ids or ()])
        # What fails again meanwhile is not taken again.
        number, began = 0, container.clock().now()
        while done := await manage.redeliver_failed(failed, began, SYSTEM):
            number += done
        return number

    number = _with(run)
    typer.echo(f"{number} deliveries are pending again.")


def _with(use: Callable[[Container], Awaitable[T]]) -> T:
    async def run() -> T:
        async with ledger() as container:
            return await use(container)

    return asyncio.run(run())


def _json(webhook: Webhook) -> str:
    return json_of(webhook_response(webhook))


def _row(webhook: Webhook) -> Sequence[object]:
    reach, reason = webhook.reach, webhook.disabled_reason
    return (
        webhook.id,
        "(all)" if reach.sees_all else reach.tenant,
        webhook.status if reason is None else f"{webhook.status} ({reason})",
        " ".join(webhook.events),
        webhook.url,
        webhook.description,
    )


def _delivery_row(delivery: Delivery) -> Sequence[object]:
    last = delivery.attempts[-1] if delivery.attempts else None
    return (
        delivery.id,
        delivery.event,
        delivery.status,
        len(delivery.attempts),
        rfc3339_or_none(delivery.next_attempt_at),
        rfc3339(delivery.created_at),
        None if last is None else last.error,
    )
