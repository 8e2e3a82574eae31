"""Diagnose telephony: what is missing for a call to be answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.diagnosis.check_route import CheckRoute
from domain.diagnosis.check_webhooks import CheckWebhooks
from domain.diagnosis.finding import Check, Finding, State
from domain.diagnosis.ports import ServerClock, WebhookTarget
from domain.diagnosis.probe_worker import ProbeWorker
from domain.operations.probe import Probe
from domain.reconciliation.room_selection import RoomSelection
from domain.sessions.watch_workers import WatchWorkers
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput, StorageUnavailable
from domain.shared.livekit_errors import LiveKitError
from domain.trunks.fields import Normalised, e164
from domain.trunks.provisioning import DispatchRules, Trunks

_SKEW_WARNED: Final = timedelta(seconds=5)
_SKEW_REFUSED: Final = timedelta(seconds=60)
"""LiveKit refuses tokens that are not valid yet, with a minute's leeway."""


@attrs.frozen(kw_only=True)
class DiagnoseCommand:
    """What to check.

    ``number`` is the called one, in any form; None: every inbound trunk. ``webhook_url`` is where a
    signed webhook is sent. ``with_dispatch``: dispatch an agent to see whether a worker takes its
    job. ``ledger_problem`` says why the inbox cannot be read; None if it can.
    """

    number: str | None
    webhook_url: str
    with_dispatch: bool
    ledger_problem: str | None = None


@attrs.frozen(kw_only=True)
class DiagnoseTelephony:
    """Checks one thing after the other; each check says what is missing and what to do."""

    livekit: Probe
    server_clock: ServerClock
    clock: Clock
    trunks: Trunks
    rules: DispatchRules
    probe_worker: ProbeWorker
    workers: WatchWorkers
    check_webhooks: CheckWebhooks
    webhook_target: WebhookTarget
    selection: RoomSelection
    normalised: Normalised
    telephony_enabled: bool
    agent_name: str

    async def __call__(self, command: DiagnoseCommand, access: Access) -> list[Finding]:
        """Return what was found, in the order of the checks.

        Raises ``Forbidden`` without the scope ``admin``.
        """
        access.require(Scope.ADMIN)
        return [finding async for finding in self._findings(command)]

    async def _findings(self, command: DiagnoseCommand) -> AsyncIterator[Finding]:
        reached = await self._livekit()
        yield reached
        if reached.state is State.OK:
            yield await self._clocks()
        yield self._settings()
        async for finding in self._route(command.number, reached):
            yield finding
        yield await self._service(command.webhook_url)
        async for finding in self._worker(command, reached):
            yield finding

    async def _livekit(self) -> Finding:
        try:
            await self.livekit.check()
        except LiveKitError as error:
            return Finding(Check.LIVEKIT, State.FAILED, str(error))
        return Finding(Check.LIVEKIT, State.OK, "LiveKit answers and accepts the API key.")

    async def _clocks(self) -> Finding:
        theirs = await self.server_clock.time()
        if theirs is None:
            return Finding(Check.CLOCK, State.SKIPPED, "LiveKit does not say what time it has.")
        skew = self.clock.now() - theirs
        seconds = abs(skew).total_seconds()
        ahead = "ahead of" if skew > timedelta() else "behind"
        found = f"This service's clock is {seconds:.0f} s {ahead} LiveKit's"
        if abs(skew) >= _SKEW_REFUSED:
            sentence = f"{found}, which then refuses its tokens; synchronise the clocks by NTP."
            return Finding(Check.CLOCK, State.FAILED, sentence)
        if abs(skew) >= _SKEW_WARNED:
            return Finding(Check.CLOCK, State.WARNING, f"{found}; synchronise the clocks by NTP.")
        return Finding(Check.CLOCK, State.OK, "The clocks of this service and of LiveKit agree.")

    def _settings(self) -> Finding:
        if self.telephony_enabled:
            return Finding(Check.SETTINGS, State.OK, "TELEPHONY_ENABLED is true.")
        return Finding(
            Check.SETTINGS,
            State.FAILED,
            "TELEPHONY_ENABLED is false, so no call is recorded or gets an agent; set it to true.",
        )

    async def _route(self, given: str | None, reached: Finding) -> AsyncIterator[Finding]:
        number = None
        if given is not None:
            try:
                number = e164(given, "The number", self.normalised)
            except InvalidInput as error:
                yield Finding(Check.NUMBER, State.FAILED, f"{error} For example +15105550100.")
                return
            yield Finding(Check.NUMBER, State.OK, f"The number is {number} in E.164.")
        if reached.state is not State.OK:
            yield Finding(Check.TRUNK, State.SKIPPED, "LiveKit does not answer.")
            return
        try:
            trunks, rules = await self.trunks.all(), await self.rules.all()
        except LiveKitError as error:
            yield Finding(Check.TRUNK, State.FAILED, str(error))
            return
        route = CheckRoute(
            trunks=trunks,
            rules=rules,
            number=number,
            agent_name=self.agent_name,
            selection=self.selection,
        )
        for finding in route.findings():
            yield finding

    async def _service(self, url: str) -> Finding:
        problem = await self.webhook_target.problem(url)
        if problem is not None:
            return Finding(Check.SERVICE, State.FAILED, problem)
        return Finding(Check.SERVICE, State.OK, f"{url} accepts signed webhooks.")

    async def _worker(self, command: DiagnoseCommand, reached: Finding) -> AsyncIterator[Finding]:
        probed = None
        if reached.state is not State.OK:
            yield Finding(Check.WORKER, State.SKIPPED, "LiveKit does not answer.")
        elif not command.with_dispatch:
            yield await self._known(command)
        else:
            try:
                probed = await self.probe_worker()
            except LiveKitError as error:
                yield Finding(Check.WORKER, State.FAILED, str(error))
            else:
                yield self._taken(probed.taken_after)
        if command.ledger_problem is not None:
            yield Finding(Check.WEBHOOKS, State.SKIPPED, command.ledger_problem)
        elif probed is None:
            yield await self.check_webhooks.newest()
        else:
            yield await self.check_webhooks.of_room(probed.room_name)

    async def _known(self, command: DiagnoseCommand) -> Finding:
        """Return what the latest dispatches say of the worker."""
        with suppress(StorageUnavailable):
            if command.ledger_problem is None:
                await self.workers.refresh()
        warning = self.workers.warning()
        if warning is not None and self.workers.is_missing(self.agent_name):
            return Finding(Check.WORKER, State.FAILED, warning)
        return Finding(Check.WORKER, State.SKIPPED, "No agent was dispatched to find a worker.")

    def _taken(self, after: timedelta | None) -> Finding:
        if after is None:
            return Finding(
                Check.WORKER,
                State.FAILED,
                f"No worker named '{self.agent_name}' took a job within "
                f"{self.probe_worker.taken_within.total_seconds():.0f} s; start the worker, with "
                "agent_name equal to AGENT_NAME and on the same LiveKit project, or free capacity.",
            )
        return Finding(
            Check.WORKER,
            State.OK,
            f"A worker named '{self.agent_name}' took a job after {after.total_seconds():.1f} s.",
        )
