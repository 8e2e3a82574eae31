"""Tell whether the service could serve a request now."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from domain.errors import DomainError
from domain.ports.probe import Probe


@attrs.frozen
class Readiness:
    """For each dependency: None if it is ready, else the reason why it is not."""

    problems: Mapping[str, str | None]

    @property
    def ready(self) -> bool:
        """Whether every dependency is."""
        return not any(self.problems.values())


@attrs.frozen
class CheckReadiness:
    """Asks every probe."""

    probes: Mapping[str, Probe]

    async def __call__(self) -> Readiness:
        """Each dependency's state; never raises a :class:`DomainError`."""
        problems: dict[str, str | None] = {}
        for name, probe in self.probes.items():
            try:
                await probe.check()
            except DomainError as error:
                problems[name] = str(error)
            else:
                problems[name] = None
        return Readiness(problems)
