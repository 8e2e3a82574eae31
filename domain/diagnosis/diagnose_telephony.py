"""Diagnose telephony: what is missing for a call to be answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.diagnosis.answering_agents import AnsweringAgents, FindAnsweringAgents
from domain.diagnosis.check_route import CheckRoute
from domain.diagnosis.check_webhooks import CheckWebhooks
from domain.diagnosis.check_workers import CheckedWorkers, CheckWorkers
from domain.diagnosis.finding import Check, Finding, State
from domain.diagnosis.ports import ServerClock, WebhookTarget
from domain.operations.probe import Probe
from domain.reconciliation.room_selection import RoomSelection
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput
from domain.shared.livekit_errors import LiveKitError
from domain.trunks.dispatch_rule import DispatchRule
from domain.trunks.fields import Normalised, e164
from domain.trunks.id_page import each
from domain.trunks.provisioning import DispatchRules, Trunks
from domain.trunks.trunk import Trunk, TrunkDirection

MOST: Final = 100
"""So many trunks, and dispatch rules that serve them, are checked at most."""

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
    find_answering: FindAnsweringAgents
    check_workers: CheckWorkers
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
        number, parsed = self._number(command.number)
        if parsed is not None:
            yield parsed
        is_wrong = parsed is not None and parsed.state is State.FAILED
        answering = AnsweringAgents([self.agent_name])
        if command.ledger_problem is None and not is_wrong:
            answering = await self.find_answering(number)
        for finding in answering.findings:
            yield finding
        if not is_wrong:
            async for finding in self._route(number, answering.names, reached):
                yield finding
        yield await self._service(command.webhook_url)
        async for finding in self._worker(command, answering.names, reached):
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

    def _number(self, given: str | None) -> tuple[str | None, Finding | None]:
        """Return the called number in E.164, and what was found of it."""
        if given is None:
            return None, None
        try:
            number = e164(given, "The number", self.normalised)
        except InvalidInput as error:
            sentence = f"{error} For example +15105550100."
            return None, Finding(Check.NUMBER, State.FAILED, sentence)
        return number, Finding(Check.NUMBER, State.OK, f"The number is {number} in E.164.")

    async def _route(
        self, number: str | None, agent_names: Sequence[str], reached: Finding
    ) -> AsyncIterator[Finding]:
        if reached.state is not State.OK:
            yield Finding(Check.TRUNK, State.SKIPPED, "LiveKit does not answer.")
            return
        try:
            trunks, is_cut = await self._trunks(number)
            rules = await self._rules(trunks, number)
        except LiveKitError as error:
            yield Finding(Check.TRUNK, State.FAILED, str(error))
            return
        if is_cut:
            sentence = f"Only the first {MOST} trunks are checked; give a number to check its own."
            yield Finding(Check.TRUNK, State.WARNING, sentence)
        route = CheckRoute(
            trunks=trunks,
            rules=rules,
            number=number,
            agent_names=agent_names,
            selection=self.selection,
        )
        for finding in route.findings():
            yield finding

    async def _trunks(self, number: str | None) -> tuple[list[Trunk], bool]:
        """Return the inbound trunks that may take the call, and whether there are more."""
        found: list[Trunk] = []
        async for trunk in each(partial(self.trunks.page, TrunkDirection.INBOUND)):
            if number is None or trunk.takes(number):
                if len(found) == MOST:
                    return found, True
                found.append(trunk)
        return found, False

    async def _rules(self, trunks: Sequence[Trunk], number: str | None) -> list[DispatchRule]:
        """Return the first rules that serve one of ``trunks``."""
        found: list[DispatchRule] = []
        async for rule in each(self.rules.page):
            if any(rule.serves(trunk.id, number) for trunk in trunks) and len(found) < MOST:
                found.append(rule)
        return found

    async def _service(self, url: str) -> Finding:
        problem = await self.webhook_target.problem(url)
        if problem is not None:
            return Finding(Check.SERVICE, State.FAILED, problem)
        return Finding(Check.SERVICE, State.OK, f"{url} accepts signed webhooks.")

    async def _worker(
        self, command: DiagnoseCommand, agent_names: Sequence[str], reached: Finding
    ) -> AsyncIterator[Finding]:
        is_readable = command.ledger_problem is None
        if reached.state is not State.OK:
            skipped = Finding(Check.WORKER, State.SKIPPED, "LiveKit does not answer.")
            checked = CheckedWorkers([skipped])
        elif command.with_dispatch:
            checked = await self.check_workers.by_dispatch(agent_names)
        else:
            checked = await self.check_workers.by_ledger(agent_names, is_readable=is_readable)
        for finding in checked.findings:
            yield finding
        if command.ledger_problem is not None:
            yield Finding(Check.WEBHOOKS, State.SKIPPED, command.ledger_problem)
        elif checked.room_name is None:
            yield await self.check_webhooks.newest()
        else:
            yield await self.check_webhooks.of_room(checked.room_name)
