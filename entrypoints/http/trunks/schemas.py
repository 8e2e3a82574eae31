"""What requests and lists have beside :mod:`entrypoints.presenters.trunks`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import PathParameter

from domain.trunks.dispatch_rule import DispatchRule
from domain.trunks.fields import EXAMPLE_NUMBER, LONGEST_TEXT, MOST_ENTRIES
from domain.trunks.id_page import IdPage, IdPosition
from domain.trunks.manage_dispatch_rules import DEFAULT_PREFIX, CreateDispatchRuleCommand
from domain.trunks.manage_trunks import CreateTrunkCommand
from domain.trunks.trunk import Transport, Trunk, TrunkDirection
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import query_parameter
from entrypoints.presenters.fields import documented
from entrypoints.presenters.trunks import (
    DispatchRuleResponse,
    TrunkResponse,
    dispatch_rule_response,
    trunk_response,
)

TrunkId = Annotated[str, PathParameter(schema_extra={"examples": ["ST_KnjTHzPvnE3c"]})]
RuleId = Annotated[str, PathParameter(schema_extra={"examples": ["SDR_Cwq6GzbEFmWZ"]})]
DirectionQuery = Annotated[str | None, query_parameter(enum=list(TrunkDirection))]

Text = Annotated[str, documented(example="Main line", max_length=LONGEST_TEXT)]
Secret = Annotated[str, documented(format="password", max_length=LONGEST_TEXT)]
Pin = Annotated[str, documented(format="password", pattern="^([0-9]{1,32})?$")]
Direction = Annotated[
    str,
    documented(example=TrunkDirection.INBOUND.value, enum=[each.value for each in TrunkDirection]),
]
TransportName = Annotated[
    str, documented(example=Transport.TLS.value, enum=[each.value for each in Transport])
]
Numbers = Annotated[
    list[str],
    documented(example=[EXAMPLE_NUMBER], max_items=MOST_ENTRIES, examples=[[EXAMPLE_NUMBER]]),
]
Entries = Annotated[list[str], documented(example=["ST_KnjTHzPvnE3c"], max_items=MOST_ENTRIES)]


class CreateTrunkRequest(msgspec.Struct, rename="camel", kw_only=True):
    """A new SIP trunk.

    `numbers` have their country code. `address` and `transport` belong to an outbound trunk,
    `allowedAddresses` and `allowedNumbers` to an inbound one. `authPassword` is not shown again.
    """

    direction: Direction
    numbers: Numbers
    name: Text = ""
    allowed_addresses: Entries = []
    allowed_numbers: Numbers = []
    address: Text = ""
    transport: TransportName = Transport.AUTO.value
    auth_username: Text = ""
    auth_password: Secret = ""


class CreateDispatchRuleRequest(msgspec.Struct, rename="camel", kw_only=True):
    """A new dispatch rule: a room for each call, unless `roomName` names one for all.

    Without `trunkIds` it is for every inbound trunk. A rule that is created here dispatches no
    agent: this service does.
    """

    name: Text = ""
    room_prefix: Annotated[str, documented(example=DEFAULT_PREFIX, default=DEFAULT_PREFIX)] = ""
    room_name: Text = ""
    pin: Pin = ""
    trunk_ids: Entries = []
    numbers: Numbers = []
    caller_numbers: Numbers = []


class TrunksResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Trunks, sorted by id; `nextCursor` is the next page's `cursor`, null on the last one."""

    trunks: list[TrunkResponse]
    next_cursor: str | None


class DispatchRulesResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Rules, sorted by id; `nextCursor` is the next page's `cursor`, null on the last one."""

    dispatch_rules: list[DispatchRuleResponse]
    next_cursor: str | None


def trunk_command(data: CreateTrunkRequest) -> CreateTrunkCommand:
    """Return the command. Raises :class:`~domain.shared.errors.InvalidInput`."""
    return CreateTrunkCommand(
        direction=_one_of(TrunkDirection, data.direction, "direction"),
        name=data.name,
        numbers=data.numbers,
        allowed_addresses=data.allowed_addresses,
        allowed_numbers=data.allowed_numbers,
        address=data.address,
        transport=_one_of(Transport, data.transport, "transport"),
        auth_username=data.auth_username,
        auth_password=data.auth_password,
    )


def rule_command(data: CreateDispatchRuleRequest) -> CreateDispatchRuleCommand:
    """Return the command."""
    return CreateDispatchRuleCommand(
        name=data.name,
        room_name=data.room_name,
        room_prefix=data.room_prefix,
        pin=data.pin,
        trunk_ids=data.trunk_ids,
        numbers=data.numbers,
        caller_numbers=data.caller_numbers,
    )


def position(cursor: str | None) -> IdPosition | None:
    """Where the page begins. Raises :class:`~domain.shared.errors.InvalidInput`."""
    return IdPosition.parse(cursor) if cursor else None


def trunks_response(page: IdPage[Trunk]) -> TrunksResponse:
    """Return the answer that shows a page of trunks."""
    return TrunksResponse(
        trunks=[trunk_response(trunk) for trunk in page.items],
        next_cursor=None if page.next is None else page.next.cursor,
    )


def dispatch_rules_response(page: IdPage[DispatchRule]) -> DispatchRulesResponse:
    """Return the answer that shows a page of dispatch rules."""
    return DispatchRulesResponse(
        dispatch_rules=[dispatch_rule_response(rule) for rule in page.items],
        next_cursor=None if page.next is None else page.next.cursor,
    )


def _one_of(kind: type[query.Choice], raw: str, field: str) -> query.Choice:
    # A blank one is not absent here.
    return query.choice(kind, raw or "''", field) or next(iter(kind))
