"""What goes wrong by chance, for as long as it is switched on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Final, TypeVar

import attrs

from entrypoints.simulator.faults import Fault, FaultKind

Entry = TypeVar("Entry")

_FAILURES: Final = (
    Fault(kind=FaultKind.ERROR, applied=True, status=503),
    Fault(kind=FaultKind.RESET, applied=True),
)


def _share() -> float:
    validators = [attrs.validators.ge(0.0), attrs.validators.le(1.0)]
    share: float = attrs.field(default=0.0, converter=float, validator=validators)
    return share


def _seconds(default: float = 0.0) -> float:
    validators = [attrs.validators.ge(0.0), attrs.validators.lt(math.inf)]
    seconds: float = attrs.field(default=default, converter=float, validator=validators)
    return seconds


@attrs.frozen(kw_only=True)
class Chaos:
    """How often what goes wrong, as shares from 0 to 1; nothing unless it is named.

    Of the webhook events, ``lose`` are never sent; of the others, ``double`` are sent twice. Each
    copy is held back for up to ``delay_seconds``, so that they overtake each other. Of the API
    requests, ``fail_after_applying`` take effect and are answered by a 503 or a reset. Of the
    CreateDispatch requests, ``late_dispatch`` take effect after ``late_dispatch_seconds``, when
    their caller has given up. Lists of rooms and participants leave out ``leave_out`` of their
    entries (1: all).

    Of the agents, ``slow_join`` take up to ``slow_join_seconds`` longer from their job to the join,
    and ``deaf`` join although their room was closed, which they reopen, or their dispatch deleted.
    Jobs are listed up to ``list_lag_seconds`` late; deleting a dispatch ends only listed ones.

    ``seed`` makes it repeatable. Raises :class:`ValueError` when it makes no sense.
    """

    lose: float = _share()
    double: float = _share()
    fail_after_applying: float = _share()
    late_dispatch: float = _share()
    leave_out: float = _share()
    slow_join: float = _share()
    deaf: float = _share()
    delay_seconds: float = _seconds()
    late_dispatch_seconds: float = _seconds(11.0)
    slow_join_seconds: float = _seconds()
    list_lag_seconds: float = _seconds()
    seed: int | None = attrs.field(default=None, converter=attrs.converters.optional(int))
    _random: Random = attrs.field(init=False, repr=False, eq=False)

    @_random.default
    def _seeded(self) -> Random:
        return Random(self.seed)  # noqa: S311 - nothing is kept secret by it

    def copies(self) -> int:
        """How often the next event is sent: 0, 1 or 2 times."""
        if self._happens(self.lose):
            return 0
        return 2 if self._happens(self.double) else 1

    def delay(self) -> float:
        """For how many seconds the next copy is held back."""
        return self._random.uniform(0, self.delay_seconds)

    def failure(self, method: str) -> Fault | None:
        """What goes wrong with the next API request, which is for ``method``."""
        if method == "CreateDispatch" and self._happens(self.late_dispatch):
            return Fault(kind=FaultKind.HANG, seconds=self.late_dispatch_seconds)
        return self._random.choice(_FAILURES) if self._happens(self.fail_after_applying) else None

    def listed(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries that a list does not leave out."""
        return [entry for entry in entries if not self._happens(self.leave_out)]

    def slowness(self) -> float:
        """How many seconds the next agent takes to join, beyond what its worker always takes."""
        if not self._happens(self.slow_join):
            return 0.0
        return self._random.uniform(0, self.slow_join_seconds)

    def is_deaf(self) -> bool:
        """Whether the next agent joins whatever becomes of its room and its dispatch."""
        return self._happens(self.deaf)

    def list_lag(self) -> float:
        """How many seconds late the next job is listed."""
        return self._random.uniform(0, self.list_lag_seconds)

    def _happens(self, share: float) -> bool:
        # A share of 0 uses up no number, so that a seed gives what it gave before.
        return share > 0 and self._random.random() < share
