"""``backend numbers …``: the phone numbers and the agents that answer them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import typer

from domain.access.access import SYSTEM
from domain.phone_numbers.manage_phone_numbers import ManagePhoneNumbers
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.pre_call_webhook import FIELD
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT
from entrypoints.cli.output import printable, show
from entrypoints.cli.process import ledger
from entrypoints.cli.records import json_of, show_page
from entrypoints.presenters.phone_numbers import phone_number_response

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Choose the saved agents that answer phone numbers.")

_HEADER: Final = ("number", "trunk", "tenant", "agent", "webhook")

Number = Annotated[
    str, typer.Argument(help="In E.164; with '@' and a trunk's id if it is stored for several.")
]
AgentOption = Annotated[str | None, typer.Option("--agent", help="A saved agent's id.")]
Trunk = Annotated[str | None, typer.Option("--trunk", help="Only calls that come by this trunk.")]
Webhook = Annotated[
    str | None, typer.Option("--webhook", help="The URL to ask before a call is answered.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, as the HTTP API shows phone numbers.")]


@app.command("add")
def add(
    number: Annotated[str, typer.Argument(help="In E.164.")],
    agent: Annotated[str, typer.Option("--agent", help="A saved agent's id.")],
    trunk: Trunk = None,
    webhook: Webhook = None,
) -> None:
    """Let a saved agent answer a number, which then belongs to the agent's tenant.

    Prints the secret that signs the webhook's requests, this once only.
    """
    given: dict[str, Any] = {"number": number, "agentId": agent, "trunkId": trunk}
    if webhook is not None:
        given[FIELD] = {"url": webhook}
    added = _with_numbers(lambda numbers: numbers.create(given, SYSTEM))
    show(_HEADER, [_row(added)])
    _tell_secret(added)


@app.command("list")
def list_numbers(
    *,
    limit: Annotated[
        int, typer.Option(min=1, max=MAX_LIMIT, help="How many numbers at most.")
    ] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List the numbers of every tenant, the newest first."""
    page = _with_numbers(lambda numbers: numbers.page(SYSTEM, limit=limit))
    show_page(page, _HEADER, _row, _json if as_json else None)


@app.command("show")
def show_number(number: Number, *, as_json: AsJson = False) -> None:
    """Show a number."""
    found = _with_numbers(lambda numbers: numbers.by_number(number, SYSTEM))
    if as_json:
        typer.echo(_json(found))
    else:
        show(_HEADER, [_row(found)])


@app.command("change")
def change(
    number: Number,
    *,
    agent: AgentOption = None,
    webhook: Webhook = None,
    no_webhook: Annotated[
        bool, typer.Option("--no-webhook", help="Ask no webhook any more.")
    ] = False,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Replace the webhook's secret, and print it.")
    ] = False,
) -> None:
    """Change the agent or the webhook of a number; calls that were decided before stay."""
    changes: dict[str, Any] = {} if agent is None else {"agentId": agent}
    if no_webhook:
        changes[FIELD] = None
    elif webhook is not None or new_secret:
        url = {} if webhook is None else {"url": webhook}
        changes[FIELD] = url | ({"secret": None} if new_secret else {})
    changed = _with_numbers(lambda numbers: numbers.change(number, changes, SYSTEM))
    show(_HEADER, [_row(changed.number)])
    if changed.has_new_secret:
        _tell_secret(changed.number)


@app.command("delete")
def delete(number: Number) -> None:
    """Let calls to a number be answered as those to an unknown one."""
    _with_numbers(lambda numbers: numbers.delete(number, SYSTEM))
    typer.echo(f"The phone number {printable(number)} is deleted.")


def _with_numbers(use: Callable[[ManagePhoneNumbers], Awaitable[T]]) -> T:
    async def run() -> T:
        async with ledger() as container:
            return await use(container.manage_phone_numbers())

    return asyncio.run(run())


def _json(number: PhoneNumber) -> str:
    return json_of(phone_number_response(number))


def _row(number: PhoneNumber) -> Sequence[object]:
    url = None if number.webhook is None else number.webhook.url
    return number.number, number.trunk_id, number.tenant, number.agent_id, url


def _tell_secret(number: PhoneNumber) -> None:
    if number.webhook is not None:
        typer.echo(number.webhook.secret)
