"""What goes wrong by chance, for as long as it is switched on."""

from __future__ import annotations

import math
from random import Random
from typing import Final

import attrs

from adapters.simulator.faults import Fault, FaultKind

_FAILURES: Final = (
    Fault(kind=FaultKind.ERROR, applied=True, status=503),
    Fault(kind=FaultKind.RESET, applied=True),
)


def _share() -> float:
    validators = [attrs.validators.ge(0.0), attrs.validators.le(1.0)]
    share: float = attrs.field(default=0.0, converter=float, validator=validators)
    return share


@attrs.frozen(kw_only=True)
class Chaos:
    """How often what goes wrong, as shares from 0 to 1; nothing unless it is named.

    Of the webhook events, ``lose`` are never sent; of the others, ``double`` are sent twice. Each
    copy is held back for up to ``delay_seconds``, so that they overtake each other. Of the API
    requests, ``fail_after_applying`` take effect and are answered by a 503 or a reset. ``seed``
    makes it repeatable. Raises :class:`ValueError` when it makes no sense.
    """

    lose: float = _share()
    double: float = _share()
    fail_after_applying: float = _share()
    delay_seconds: float = attrs.field(
        default=0.0,
        converter=float,
        validator=[attrs.validators.ge(0.0), attrs.validators.lt(math.inf)],
    )
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

    def failure(self) -> Fault | None:
        """What goes wrong with the next API request."""
        return self._random.choice(_FAILURES) if self._happens(self.fail_after_applying) else None

    def _happens(self, share: float) -> bool:
        return self._random.random() < share
