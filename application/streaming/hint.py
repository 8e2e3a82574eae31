"""What tells a listener to read something anew."""

from __future__ import annotations

import json
from collections.abc import Collection

from domain.changes.change import Area


def hint_frame(areas: Collection[Area]) -> bytes:
    """Return a hint in the stream. It has no ``id``: there is nothing in it to resume behind."""
    return f"event: changed\ndata: {json.dumps({'areas': sorted(areas)})}\n\n".encode()
