"""Tell whether the service could serve a request now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs

from domain.operations.probe import Probe
from domain.shared.errors import DomainError


@attrs.frozen
class Readiness:
    """For each dependency: None if it is ready, else the reason why it is not.

    ``warnings`` are for the operator; requests are served all the same.
    """

    problems: Mapping[str, str | None]
    warnings: Sequence[str] = ()

    @property
    def ready(self) -> bool:
        """Whether every dependency is."""
        return all(problem is None for problem in self.problems.values())


@attrs.frozen
class CheckReadiness:
    """Runs every probe at once; each of ``warnings`` returns what the operator should know.

    So does ``delivery_warnings``, which reads the ledger.
    """

    probes: Mapping[str, Probe]
    warnings: Sequence[Callable[[], str | None]] = ()
    delivery_warnings: Callable[[], Awaitable[Sequence[str]]] | None = None

    async def __call__(self) -> Readiness:
        """Each dependency's state; never raises a :class:`DomainError`."""
        problems = await asyncio.gather(*(_problem(probe) for probe in self.probes.values()))
        found = [warning for warn in self.warnings if (warning := warn())]
        if self.delivery_warnings is not None:
            found += await self.delivery_warnings()
        return Readiness(dict(zip(self.probes, problems, strict=True)), found)


async def _problem(probe: Probe) -> str | None:
    try:
        await probe.check()
    except DomainError as error:
        return str(error)
    return None
