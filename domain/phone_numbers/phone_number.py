"""A telephone number of the business and the agent that answers calls to it."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.shared.identifiers import AgentId, PhoneNumberId


@attrs.frozen(kw_only=True)
class PhoneNumber:
    """A number (E.164) and the saved agent that answers it. Times are UTC.

    ``trunk_id``: the calls of this trunk only; None: those of every trunk that has no entry of its
    own. ``revision`` counts the changes of this record, for optimistic locking.
    """

    id: PhoneNumberId
    number: str
    agent_id: AgentId
    created_at: datetime
    updated_at: datetime
    trunk_id: str | None = None
    webhook: PreCallWebhook | None = None
    tenant: str | None = None
    revision: int = 1

    @property
    def age(self) -> tuple[datetime, str]:
        """Return when it was created, and its id: the newest is the greatest."""
        return self.created_at, self.id.value

    def answers(self, trunk_id: str | None) -> bool:
        """Return whether it may answer calls that come by this trunk."""
        return self.trunk_id in (None, trunk_id)

    def excludes(self, other: PhoneNumber) -> bool:
        """Return whether ``other``, of the same number, cannot be stored beside it.

        One tenant may have a number on several trunks. Of two tenants, each must name a trunk.
        """
        if self.id == other.id:
            return False
        if self.trunk_id == other.trunk_id:
            return True
        return self.tenant != other.tenant and None in (self.trunk_id, other.trunk_id)
