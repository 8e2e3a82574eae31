"""How fast listeners are served."""

from __future__ import annotations

from typing import Final

import attrs

SECONDS_EACH: Final = 0.00007
"""For each listener, from one turn of all to the next at least: what comes meanwhile is sent in one
piece, as each piece takes time of requests."""
BUSY_LAP: Final = 0.00025
"""Seconds that the event loop takes to go once through what is ready, from which requests wait."""
SLOWEST: Final = 5.0
_LONGEST_LAP: Final = 0.002
"""Seconds; a single lap that is longer says no more of what requests wait for."""
_WEIGHT: Final = 0.02


@attrs.define
class ServingPace:
    """Spreads sends evenly over time, and over more of it while requests wait.

    The laps of a loop are long when it has more to do than it can, and then sends take time of
    requests. So listeners are served in fewer and larger pieces then, up to ``SLOWEST`` times as
    late.
    """

    _lap: float = attrs.field(default=0.0, init=False)
    _due: float = attrs.field(default=0.0, init=False)

    @property
    def slowness(self) -> float:
        """How many times as long as usual a turn takes."""
        return min(max((self._lap / BUSY_LAP) ** 2, 1.0), SLOWEST)

    def pause(self, sent: int, began: float, lap: float) -> float:
        """Return for how many seconds to wait, ``lap`` after ``sent`` listeners were served.

        ``began`` is the time before that lap. Pauses that were too long make the next ones shorter,
        unless they were longer by all the time of those served: a new turn begins then.
        """
        self._lap += (min(lap, _LONGEST_LAP) - self._lap) * _WEIGHT
        time = sent * SECONDS_EACH * self.slowness
        self._due += time
        if self._due < began - time:
            self._due = began + time
        return max(0.0, self._due - began - lap)
