"""``backend listen``: events, forwarded to a developer's machine."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from domain.access.access import SYSTEM
from domain.webhooks.forward_events import Forwarded
from domain.webhooks.subscription import Webhook
from entrypoints.cli.output import printable
from entrypoints.cli.process import ledger, stop_signal
from entrypoints.container import Container


def listen(
    forward_to: Annotated[
        str, typer.Option("--forward-to", metavar="URL", help="http or https, also on loopback.")
    ],
    events: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="KIND", help="A kind of event; repeatable."),
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="Signs the requests; a new one if not given.")
    ] = None,
) -> None:
    """Forward each new event to a URL as a webhook would get it, and print what it answered.

    Each is sent once, from now on, until Ctrl-C. For development: no state is kept.
    """
    asyncio.run(_listen(forward_to, events or ["*"], secret))


async def _listen(url: str, events: list[str], secret: str | None) -> None:
    stop = stop_signal()
    async with ledger() as container:
        webhook = await container.forward_events().target(url, events, secret, SYSTEM)
        typer.echo(f"Ready. Requests are signed with {webhook.secret}")
        forwarding = asyncio.create_task(_forward(container, webhook))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([forwarding, stopping], return_when=asyncio.FIRST_COMPLETED)
            if forwarding.done():
                forwarding.result()
        finally:
            forwarding.cancel()
            stopping.cancel()
            await asyncio.gather(forwarding, stopping, return_exceptions=True)
            await container.local_sender().close()


async def _forward(container: Container, webhook: Webhook) -> None:
    async for forwarded in container.forward_events()(webhook, SYSTEM):
        typer.echo(_line(forwarded))


def _line(forwarded: Forwarded) -> str:
    event, attempt = forwarded.event, forwarded.attempt
    answer = attempt.status_code if attempt.status_code is not None else attempt.error
    of = event.session_id or event.call_id or ""
    return printable(f"{event.kind} {of} {event.id} -> {answer} ({attempt.duration_ms} ms)")
