"""Store a webhook once, however often its caller asks for it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from domain.access.access import Access, Scope
from domain.idempotency.idempotent_execution import Answered, IdempotentExecution
from domain.shared.identifiers import WebhookId, uuid_7_of
from domain.webhooks.manage_webhooks import ManageWebhooks
from domain.webhooks.subscription import Webhook


@attrs.frozen(kw_only=True)
class AddWebhookOnce:
    """``manage_webhooks.create``, once for each key of a tenant's."""

    idempotent_execution: IdempotentExecution
    manage_webhooks: ManageWebhooks

    async def __call__(
        self,
        key: str,
        given: Mapping[str, Any],
        access: Access,
        present: Callable[[Webhook], str],
    ) -> Answered:
        """Return what ``present`` makes of the new webhook, or made of it for the first request.

        Raises what ``ManageWebhooks.create`` and ``IdempotentExecution`` raise.
        """
        access.require(Scope.WEBHOOKS_WRITE)
        wanted = self.manage_webhooks.definition(given)

        async def first(number: uuid.UUID) -> str:
            webhook_id = WebhookId(uuid_7_of(number))
            # An earlier attempt with this key may have stored it before it was interrupted.
            found = await self.manage_webhooks.stored(webhook_id, access)
            if found is None:
                found = await self.manage_webhooks.create(given, access, webhook_id)
            return present(found)

        text = json.dumps(["add webhook", *attrs.astuple(wanted)])
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        return await self.idempotent_execution(key, access, fingerprint, first)
