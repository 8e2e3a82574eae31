"""POST /phone-numbers, GET /phone-numbers, GET, PATCH and DELETE /phone-numbers/{number}."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, Router, delete, get, patch, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.phone_numbers.add_phone_number_once import AddPhoneNumberOnce
from domain.phone_numbers.manage_phone_numbers import ManagePhoneNumbers
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.phone_numbers import documentation
from entrypoints.http.phone_numbers.schemas import (
    AddPhoneNumberRequest,
    ChangePhoneNumberRequest,
    NumberPath,
    PhoneNumbersResponse,
    fields_of,
    phone_numbers_response,
    repeated_response,
    stored_response,
)
from entrypoints.http.requests.fields import CursorQuery, LimitQuery
from entrypoints.http.requests.idempotency import IdempotencyKey, repeatable
from entrypoints.http.requests.listed import listed
from entrypoints.http.requests.path_rest import rest_of_path
from entrypoints.http.routing import routes_of
from entrypoints.presenters.phone_numbers import PhoneNumberResponse, phone_number_response

READS: Final = (Scope.PHONE_NUMBERS_READ, Scope.PHONE_NUMBERS_WRITE)
WRITES: Final = (Scope.PHONE_NUMBERS_WRITE,)
ASSIGNS: Final = (Scope.ADMIN,)


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        PhoneNumbersController,
        _manage_phone_numbers=container.manage_phone_numbers,
        _add_phone_number_once=container.add_phone_number_once,
    )


class PhoneNumbersController(Controller):
    """Store, change, read and delete phone numbers."""

    path = "/phone-numbers"
    tags = ("phone numbers",)
    security = KEYED
    opt = ADMINISTRATIVE

    _manage_phone_numbers: ManagePhoneNumbers
    _add_phone_number_once: AddPhoneNumberOnce

    @post(
        needs=ASSIGNS,
        hidden=True,
        status_code=201,
        operation_class=documentation.AddPhoneNumber,
        summary="Let an agent answer a phone number (development, or with an operator's key)",
        responses=documentation.ADD_RESPONSES,
    )
    async def add_phone_number(
        self,
        data: Annotated[AddPhoneNumberRequest, documentation.ADD_BODY],
        scope: AsgiScope,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[PhoneNumberResponse]:
        """Inbound calls to the number then belong to its tenant and are answered by its agent."""
        given, access, replayed = fields_of(data), access_of(scope), False
        if idempotency_key is None:
            number = await self._manage_phone_numbers.create(given, access)
            response = phone_number_response(number, with_secret=True)
        else:
            once = self._add_phone_number_once
            done = await once(idempotency_key, given, access, stored_response)
            response, replayed = repeated_response(done.text), done.replayed
        return repeatable(response, replayed=replayed)

    @get(
        needs=READS,
        hidden=True,
        operation_class=documentation.ListPhoneNumbers,
        summary="Phone numbers, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def list_phone_numbers(
        self, scope: AsgiScope, cursor: CursorQuery = None, limit: LimitQuery = None
    ) -> PhoneNumbersResponse:
        """A page ends before `limit` where its items would take more than 1 MiB."""
        page = await listed(
            scope, self._manage_phone_numbers.page, cursor, limit, phone_number_response
        )
        return phone_numbers_response(page)

    @get(
        "/{number:path}",
        needs=READS,
        hidden=True,
        operation_class=documentation.PhoneNumberByNumber,
        summary="A phone number (development, or with an API key)",
        responses=documentation.READ_RESPONSES,
    )
    async def phone_number_by_number(
        self, number: NumberPath, scope: AsgiScope
    ) -> PhoneNumberResponse:
        """Of several entries of the number, the one without a trunk."""
        found = await self._manage_phone_numbers.by_number(_entry(scope, number), access_of(scope))
        return phone_number_response(found)

    @patch(
        "/{number:path}",
        needs=WRITES,
        hidden=True,
        operation_class=documentation.ChangePhoneNumber,
        summary="Change a phone number (development, or with an API key)",
        responses=documentation.CHANGE_RESPONSES,
    )
    async def change_phone_number(
        self,
        number: NumberPath,
        data: Annotated[ChangePhoneNumberRequest, documentation.CHANGE_BODY],
        scope: AsgiScope,
    ) -> PhoneNumberResponse:
        """Replace the fields that the body has. Calls that were decided before stay as they are.

        Another `trunkId` needs the scope `admin`.
        """
        changed = await self._manage_phone_numbers.change(
            _entry(scope, number), fields_of(data), access_of(scope)
        )
        return phone_number_response(changed.number, with_secret=changed.has_new_secret)

    @delete(
        "/{number:path}",
        needs=WRITES,
        hidden=True,
        status_code=204,
        operation_class=Operation,
        summary="Delete a phone number (development, or with an API key)",
        responses=documentation.DELETE_RESPONSES,
    )
    async def delete_phone_number(self, number: NumberPath, scope: AsgiScope) -> None:
        """Calls to it are then answered as those to an unknown number; decided ones stay."""
        await self._manage_phone_numbers.delete(_entry(scope, number), access_of(scope))


def _entry(scope: AsgiScope, routed: str) -> str:
    """Return the number in the path, with its trunk, whose id may have a slash."""
    return rest_of_path(scope, "/phone-numbers/", routed)
