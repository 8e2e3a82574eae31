"""Which process of the service this is, to the others on the same ledger."""

from __future__ import annotations

import attrs

_SEPARATOR = "."


@attrs.define
class ProcessIdentity:
    """The id under which this process is registered; None while it is not.

    Whatever a registered process holds is held under a name that begins with its id, so that the
    others know what to free when it dies.
    """

    id: str | None = None

    def holder(self, name: str) -> str:
        """``name`` as this process's."""
        return name if self.id is None else f"{self.id}{_SEPARATOR}{name}"


def holders_of(process_id: str) -> str:
    """What the names of everything that the process holds begin with."""
    return f"{process_id}{_SEPARATOR}"


def process_of(holder: str) -> str | None:
    """The id of the process that holds something as ``holder``; None if it was not registered."""
    process_id, separator, _ = holder.partition(_SEPARATOR)
    return process_id if separator else None
