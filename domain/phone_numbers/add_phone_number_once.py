"""Store a phone number once, however often its caller asks for it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from domain.access.access import Access, Scope
from domain.idempotency.idempotent_execution import Answered, IdempotentExecution
from domain.phone_numbers.manage_phone_numbers import ManagePhoneNumbers
from domain.phone_numbers.phone_number import PhoneNumber
from domain.shared.identifiers import PhoneNumberId, uuid_7_of


@attrs.frozen(kw_only=True)
class AddPhoneNumberOnce:
    """``manage_phone_numbers.create``, once for each key of a tenant's."""

    idempotent_execution: IdempotentExecution
    manage_phone_numbers: ManagePhoneNumbers

    async def __call__(
        self,
        key: str,
        given: Mapping[str, Any],
        access: Access,
        present: Callable[[PhoneNumber], str],
    ) -> Answered:
        """Return what ``present`` makes of the new number, or made of it for the first request.

        Raises what ``ManagePhoneNumbers.create`` and ``IdempotentExecution`` raise.
        """
        access.require(Scope.ADMIN)
        wanted = self.manage_phone_numbers.definition(given)

        async def first(number: uuid.UUID) -> str:
            number_id = PhoneNumberId(uuid_7_of(number))
            # An earlier attempt with this key may have stored it before it was interrupted.
            found = await self.manage_phone_numbers.by_id(number_id, access)
            if found is None:
                found = await self.manage_phone_numbers.create(given, access, number_id)
            return present(found)

        asked = ["add phone number", wanted.number, str(wanted.agent_id), wanted.trunk_id]
        text = json.dumps([*asked, wanted.webhook], sort_keys=True)
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        return await self.idempotent_execution(key, access, fingerprint, first)
