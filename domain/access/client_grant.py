"""What a browser's credential permits."""

from __future__ import annotations

import attrs

from domain.access.access import Access


@attrs.frozen(kw_only=True)
class ClientGrant:
    """The right to fetch tokens, for one agent and new rooms only.

    ``access`` owns the sessions that wait for the users of these tokens. The agent is that of
    ``agent_name``, or the saved agent ``agent_id`` (``id`` or ``id@version``).
    """

    access: Access
    agent_name: str | None = None
    agent_id: str | None = None
