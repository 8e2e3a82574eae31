"""An agent that was seen in a room."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class SeenAgent:
    """An agent that was seen in the room: its participant's identity, and its dispatch, if known.

    ``adopted``: the session did not dispatch it.
    """

    identity: str | None = None
    dispatch_id: str | None = None
    adopted: bool = False


UNNAMED_AGENT: Final = SeenAgent()
