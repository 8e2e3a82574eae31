"""Whether this process still has what it held."""

from __future__ import annotations

from typing import Protocol


class Liveness(Protocol):
    """Detects that this process was stopped and resumed."""

    def may_have_lost(self, holder: str) -> bool:
        """Whether others may have taken over what is held as ``holder``.

        Costs no request. If it is so, ask the ledger before acting on it.
        """
        ...


class NeverDeclaredDead:
    """Implements :class:`Liveness` for a process that no other watches."""

    def may_have_lost(self, holder: str) -> bool:  # noqa: ARG002 - the port names it
        """No."""
        return False
