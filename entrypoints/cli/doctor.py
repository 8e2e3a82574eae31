"""``backend telephony doctor``: what is missing for a call to be answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Annotated

import msgspec
import typer

from application.settings import Storage
from domain.access.access import SYSTEM
from domain.diagnosis.diagnose_telephony import DiagnoseCommand
from domain.diagnosis.finding import Finding
from domain.shared.errors import StorageUnavailable
from entrypoints.cli.output import show
from entrypoints.container import Container
from entrypoints.http.server.address import base_url
from entrypoints.presenters.diagnosis import diagnosis_response
from entrypoints.settings import load_settings

_WEBHOOK_PATH = "/telephony/livekit-webhook"


def doctor(
    number: Annotated[
        str | None, typer.Argument(help="A called number, with its country code.")
    ] = None,
    *,
    webhook_url: Annotated[
        str | None,
        typer.Option(help="Where LiveKit posts its webhooks; by HOST and PORT if not given."),
    ] = None,
    dispatch: Annotated[
        bool,
        typer.Option(
            "--dispatch/--no-dispatch",
            help="Dispatch an agent into a room of its own to see whether a worker takes its job.",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check telephony from LiveKit's trunks to this service, and say what is missing.

    It uses the settings of the service, which should be running. Unless --no-dispatch is given, an
    agent is dispatched into a room of its own, which is deleted as soon as a worker takes the job.
    Exit code 1: something is broken.
    """
    findings = asyncio.run(_diagnose(number, webhook_url, dispatch=dispatch))
    response = diagnosis_response(findings)
    if as_json:
        typer.echo(msgspec.json.encode(response).decode())
    else:
        show(("check", "state", "finding"), ((f.check, f.state, f.sentence) for f in findings))
    if not response.ok:
        raise typer.Exit(1)


async def _diagnose(
    number: str | None, webhook_url: str | None, *, dispatch: bool
) -> Sequence[Finding]:
    settings = load_settings()
    container = Container(settings=settings)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(container.livekit_client())
        ledger_problem: str | None = None
        if settings.storage is Storage.MEMORY:
            ledger_problem = (
                "DATABASE_URL is memory://, so the webhooks that arrived are inside the service."
            )
        else:
            try:
                await stack.enter_async_context(container.storage())
                await container.heartbeat().read_time()
            except StorageUnavailable as error:
                ledger_problem = str(error)
        url = webhook_url or base_url(settings.host, settings.port).rstrip("/") + _WEBHOOK_PATH
        command = DiagnoseCommand(
            number=number,
            webhook_url=url,
            with_dispatch=dispatch,
            ledger_problem=ledger_problem,
        )
        findings: list[Finding] = await container.diagnose_telephony()(command, SYSTEM)
        return findings
