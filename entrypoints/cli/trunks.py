"""``backend telephony trunks …`` and ``… rules …``: SIP trunks and dispatch rules at LiveKit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final, TypeVar

import typer

from domain.access.access import SYSTEM
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT
from domain.trunks.manage_dispatch_rules import CreateDispatchRuleCommand, ManageDispatchRules
from domain.trunks.manage_trunks import CreateTrunkCommand, ManageTrunks
from domain.trunks.trunk import Transport, TrunkDirection
from entrypoints.cli.livekit import livekit
from entrypoints.cli.output import printable
from entrypoints.cli.records import json_of, show_page
from entrypoints.presenters.trunks import (
    DispatchRuleResponse,
    TrunkResponse,
    dispatch_rule_response,
    trunk_response,
)

Result = TypeVar("Result")

trunks = typer.Typer(no_args_is_help=True, help="List, create and delete SIP trunks at LiveKit.")
rules = typer.Typer(
    no_args_is_help=True, help="List, create and delete SIP dispatch rules at LiveKit."
)

_TRUNK_HEADER: Final = ("trunk", "direction", "name", "numbers", "address", "user", "callers")
_RULE_HEADER: Final = ("rule", "kind", "name", "room", "pin", "trunks", "numbers", "agents")

AsJson = Annotated[bool, typer.Option("--json", help="JSON, as the HTTP API shows them.")]
_MORE: Final = "raise --limit, or use the HTTP API, which has pages"
Limit = Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="How many at most.")]
Numbers = Annotated[
    list[str] | None,
    typer.Option("--number", help="With the country code: +15105550100; may be repeated."),
]
Name = Annotated[str, typer.Option(help="What you will know it by.")]


@trunks.command("list")
def list_trunks(
    *,
    direction: Annotated[TrunkDirection | None, typer.Option(help="Of this direction.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List the trunks, also those that other programs created. Passwords are not shown."""
    page = _with_trunks(lambda manage: manage.page(direction, SYSTEM, limit=limit))
    as_text = (lambda trunk: json_of(trunk_response(trunk))) if as_json else None
    show_page(page, _TRUNK_HEADER, lambda trunk: _trunk_row(trunk_response(trunk)), as_text, _MORE)


@trunks.command("create")
def create_trunk(  # noqa: PLR0913 - each setting is an option
    direction: Annotated[TrunkDirection, typer.Argument(help="inbound or outbound.")],
    *,
    number: Numbers = None,
    name: Name = "",
    address: Annotated[str, typer.Option(help="Outbound: the provider's host name.")] = "",
    transport: Annotated[
        Transport, typer.Option(help="Outbound: how SIP messages are sent.")
    ] = Transport.AUTO,
    allowed_address: Annotated[
        list[str] | None,
        typer.Option(help="Inbound: an address or network that may call; may be repeated."),
    ] = None,
    allowed_number: Annotated[
        list[str] | None, typer.Option(help="Inbound: a number that may call; may be repeated.")
    ] = None,
    user: Annotated[
        str, typer.Option(help="The user name; the password is read from standard input.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Create a trunk; one that has the same settings but the name is shown instead."""
    command = CreateTrunkCommand(
        direction=direction,
        name=name,
        numbers=number or (),
        allowed_addresses=allowed_address or (),
        allowed_numbers=allowed_number or (),
        address=address,
        transport=transport,
        auth_username=user,
        auth_password=_password() if user else "",
    )
    created = _with_trunks(lambda manage: manage.create(command, SYSTEM))
    shown = trunk_response(created.trunk)
    _report(shown.trunk_id, f"trunk {shown.trunk_id}", is_new=created.is_new, as_json=as_json)
    if as_json:
        typer.echo(json_of(shown))


@trunks.command("delete")
def delete_trunk(trunk: Annotated[str, typer.Argument(help="As `trunks list` shows it.")]) -> None:
    """Delete a trunk. Live calls go on; new ones by it are refused."""
    _with_trunks(lambda manage: manage.delete(trunk, SYSTEM))
    typer.echo(f"Trunk {printable(trunk)} is deleted.")


@rules.command("list")
def list_rules(*, limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False) -> None:
    """List the dispatch rules, also those that other programs created. PINs are not shown."""
    page = _with_rules(lambda manage: manage.page(SYSTEM, limit=limit))
    as_text = (lambda rule: json_of(dispatch_rule_response(rule))) if as_json else None
    show_page(
        page, _RULE_HEADER, lambda rule: _rule_row(dispatch_rule_response(rule)), as_text, _MORE
    )


@rules.command("create")
def create_rule(  # noqa: PLR0913 - each setting is an option
    *,
    prefix: Annotated[
        str, typer.Option(help="What the name of each call's own room begins with. [call-]")
    ] = "",
    room: Annotated[str, typer.Option(help="One room for all calls, instead.")] = "",
    trunk: Annotated[
        list[str] | None, typer.Option(help="For calls by this trunk; may be repeated.")
    ] = None,
    number: Numbers = None,
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Create a dispatch rule; one that has the same settings but the name is shown instead.

    Without --trunk it is for every inbound trunk, without --number for every called number.
    """
    command = CreateDispatchRuleCommand(
        name=name,
        room_name=room,
        room_prefix=prefix,
        trunk_ids=trunk or (),
        numbers=number or (),
    )
    created = _with_rules(lambda manage: manage.create(command, SYSTEM))
    shown = dispatch_rule_response(created.rule)
    rule_id = shown.dispatch_rule_id
    _report(rule_id, f"dispatch rule {rule_id}", is_new=created.is_new, as_json=as_json)
    if as_json:
        typer.echo(json_of(shown))


@rules.command("delete")
def delete_rule(rule: Annotated[str, typer.Argument(help="As `rules list` shows it.")]) -> None:
    """Delete a dispatch rule. Live calls go on."""
    _with_rules(lambda manage: manage.delete(rule, SYSTEM))
    typer.echo(f"Dispatch rule {printable(rule)} is deleted.")


def _with_trunks(use: Callable[[ManageTrunks], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with livekit() as container:
            return await use(container.manage_trunks())

    return asyncio.run(run())


def _with_rules(use: Callable[[ManageDispatchRules], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with livekit() as container:
            return await use(container.manage_dispatch_rules())

    return asyncio.run(run())


def _password() -> str:
    """Return a line of standard input, without showing it: arguments are visible to others."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _report(new_id: str, what: str, *, is_new: bool, as_json: bool) -> None:
    if not as_json:
        typer.echo(new_id)
    made = "is created" if is_new else "existed already with these settings"
    typer.echo(f"The {what} {made}.", err=True)


def _trunk_row(trunk: TrunkResponse) -> Sequence[object]:
    return (
        trunk.trunk_id,
        trunk.direction,
        trunk.name,
        ",".join(trunk.numbers) or "any",
        trunk.address,
        trunk.auth_username,
        ",".join((*trunk.allowed_addresses, *trunk.allowed_numbers)) or None,
    )


def _rule_row(rule: DispatchRuleResponse) -> Sequence[object]:
    return (
        rule.dispatch_rule_id,
        rule.kind,
        rule.name,
        rule.room_name or f"{rule.room_prefix}…",
        rule.has_pin,
        ",".join(rule.trunk_ids) or "any",
        ",".join(rule.numbers) or "any",
        ",".join(rule.agent_names) or None,
    )
