"""The diagnosis: one finding after the other, whatever is broken."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from adapters.memory.phone_numbers import MemoryPhoneNumbers
from adapters.phonenumbers.phone_numbers import normalised
from domain.access.access import SYSTEM, WORK, Access
from domain.diagnosis.answering_agents import MOST, FindAnsweringAgents
from domain.diagnosis.check_webhooks import DOCTOR_EVENT, CheckWebhooks
from domain.diagnosis.check_workers import CheckWorkers
from domain.diagnosis.diagnose_telephony import DiagnoseCommand, DiagnoseTelephony
from domain.diagnosis.finding import Check, Finding, State
from domain.diagnosis.probe_worker import ProbeWorker
from domain.inbox.entry import InboxEntry
from domain.inbox.webhook_verifier import WebhookEvent
from domain.phone_numbers.phone_number import PhoneNumber
from domain.reconciliation.room_selection import RoomSelection
from domain.sessions.agent_timeouts import TAKEN_WITHIN
from domain.shared.errors import Forbidden, StorageUnavailable
from domain.shared.livekit_errors import LiveKitError, LiveKitUnreachable, LiveKitWithoutSip
from domain.shared.timeline import Source
from domain.trunks.dispatch_rule import DispatchRule, RuleKind
from domain.trunks.trunk import Trunk, TrunkDirection
from tests.unit.trunks.fake_sip import FakeDispatchRules, FakeTrunks
from tests.unit.worlds.fake_livekit import FakeDispatcher, FakeRooms
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import AGENT

NUMBER = "+15105550100"
URL = "http://service.test/telephony/livekit-webhook"


@attrs.define
class Surroundings:
    """What the diagnosis asks; a test breaks one thing."""

    world: PhoneWorld = attrs.field(factory=PhoneWorld)
    livekit_error: LiveKitError | None = None
    sip_error: LiveKitError | None = None
    skew: timedelta | None = timedelta()
    problem: str | None = None
    telephony_enabled: bool = True
    has_worker: bool = True
    registered: set[str] = attrs.field(factory=lambda: {AGENT})
    webhooks_arrive: bool = True
    storage_error: StorageUnavailable | None = None
    posted: list[str] = attrs.field(factory=list)
    trunks: list[Trunk] = attrs.field(
        factory=lambda: [Trunk(direction=TrunkDirection.INBOUND, numbers=(NUMBER,))]
    )

    # Probe, ServerClock, WebhookTarget
    async def check(self) -> None:
        if self.livekit_error is not None:
            raise self.livekit_error

    async def time(self) -> datetime | None:
        return None if self.skew is None else self.world.clock.now() - self.skew

    async def webhook(self, url: str) -> str | None:
        self.posted.append(url)
        return self.problem

    async def receives(self, kind: str, room: str = "", minutes_ago: float = 0) -> None:
        now = self.world.clock.now() - timedelta(minutes=minutes_ago)
        event = WebhookEvent(f"EV_{kind}_{room}", kind, room, "RM_1", b"{}")
        await self.world.inbox.add(InboxEntry(event=event, received_at=now, due_at=now))

    async def diagnose(
        self, number: str | None = NUMBER, access: Access = SYSTEM, **command: Any
    ) -> dict[Check, list[Finding]]:
        found: dict[Check, list[Finding]] = {}
        given = {"webhook_url": URL, "with_dispatch": True, **command}
        for finding in await self._use_case()(DiagnoseCommand(number=number, **given), access):
            found.setdefault(finding.check, []).append(finding)
        return found

    def _use_case(self) -> DiagnoseTelephony:
        trunks, rules = FakeTrunks(), FakeDispatchRules()
        for given in self.trunks:
            trunk = trunks.keep(given)
        rules.keep(DispatchRule(kind=RuleKind.INDIVIDUAL, room="call-", trunk_ids=(trunk.id,)))

        def refuse() -> None:
            if self.sip_error is not None:
                raise self.sip_error

        return DiagnoseTelephony(
            livekit=self,
            server_clock=self,
            clock=self.world.clock,
            trunks=_Refusing(trunks, refuse),
            rules=rules,
            find_answering=FindAnsweringAgents(
                numbers=_Numbers(self, self.world.phone_numbers),  # type: ignore[arg-type]
                route_call=self.world.route_call,
                agent_name=AGENT,
            ),
            check_workers=CheckWorkers(
                probe_worker=ProbeWorker(
                    rooms=_Rooms(self.world.livekit, self),
                    dispatcher=FakeDispatcher(self.world.livekit),
                    clock=self.world.clock,
                    ids=self.world.ids,
                ),
                workers=self.world.watch_workers,
                agent_name=AGENT,
            ),
            check_webhooks=CheckWebhooks(_Inbox(self), self.world.clock),  # type: ignore[arg-type]
            webhook_target=_Target(self),
            selection=RoomSelection(),
            normalised=normalised,
            telephony_enabled=self.telephony_enabled,
            agent_name=AGENT,
        )


@attrs.frozen
class _Refusing:
    trunks: FakeTrunks
    refuse: Any

    async def page(self, direction: TrunkDirection | None, after: str, limit: int) -> list[Trunk]:
        self.refuse()
        return await self.trunks.page(direction, after, limit)

    async def create(self, trunk: Trunk) -> Trunk:
        raise NotImplementedError

    async def delete(self, trunk_id: str) -> None:
        raise NotImplementedError


@attrs.frozen
class _Numbers:
    around: Surroundings
    numbers: MemoryPhoneNumbers

    async def of_number(self, *query: Any) -> list[PhoneNumber]:
        return await self._read(self.numbers.of_number(*query))

    async def page(self, *query: Any) -> list[PhoneNumber]:
        return await self._read(self.numbers.page(*query))

    async def _read(self, reading: Awaitable[list[PhoneNumber]]) -> list[PhoneNumber]:
        found = await reading
        if self.around.storage_error is not None:
            raise self.around.storage_error
        return found


@attrs.frozen
class _Inbox:
    around: Surroundings

    async def list(self, *query: Any) -> list[InboxEntry]:
        if self.around.storage_error is not None:
            raise self.around.storage_error
        return await self.around.world.inbox.list(*query)


@attrs.frozen
class _Target:
    around: Surroundings

    async def problem(self, url: str) -> str | None:
        return await self.around.webhook(url)


class _Rooms(FakeRooms):
    """The worker takes the job, and the webhook arrives, when the room is looked at."""

    def __init__(self, livekit: Any, around: Surroundings) -> None:
        super().__init__(livekit)
        object.__setattr__(self, "around", around)

    async def find(self, room_name: Any) -> Any:
        around: Surroundings = self.around  # type: ignore[attr-defined]
        for dispatch in self.livekit.listed(str(room_name)):
            dispatch.accepted = around.has_worker and dispatch.agent_name in around.registered
        if around.webhooks_arrive:
            await around.receives("room_started", str(room_name))
        return await super().find(room_name)


def states(found: dict[Check, list[Finding]]) -> dict[Check, State]:
    return {check: one.state for check, [one] in found.items()}


async def test_when_all_is_well_every_check_says_so_and_nothing_is_left_behind() -> None:
    around = Surroundings()
    found = await around.diagnose()

    assert states(found) == dict.fromkeys(Check, State.OK)
    assert around.posted == [URL]
    assert around.world.livekit.open == {}
    assert around.world.livekit.count("create") == 1


async def test_without_a_number_there_is_no_check_of_it() -> None:
    assert Check.NUMBER not in await Surroundings().diagnose(None)


@pytest.mark.parametrize("number", ["", "abc", "5105550100", "+", "\x00", "x" * 5000])
async def test_what_is_no_number_is_said_so_and_the_rest_is_checked(number: str) -> None:
    found = await Surroundings().diagnose(number)

    [finding] = found[Check.NUMBER]
    assert (finding.state, "E.164" in finding.sentence) == (State.FAILED, True)
    assert Check.TRUNK not in found
    assert found[Check.WORKER][0].state is State.OK


async def test_livekit_out_of_reach_leaves_what_does_not_need_it() -> None:
    around = Surroundings(livekit_error=LiveKitUnreachable("LiveKit could not be reached."))
    found = await around.diagnose()

    assert states(found) == {
        Check.LIVEKIT: State.FAILED, Check.SETTINGS: State.OK, Check.NUMBER: State.OK,
        Check.TRUNK: State.SKIPPED, Check.SERVICE: State.OK, Check.WORKER: State.SKIPPED,
        Check.WEBHOOKS: State.WARNING,
    }  # fmt: skip
    assert around.world.livekit.calls == []


async def test_livekit_without_redis_is_one_finding() -> None:
    found = await Surroundings(sip_error=LiveKitWithoutSip("It runs without Redis.")).diagnose()

    [finding] = found[Check.TRUNK]
    assert (finding.state, finding.sentence) == (State.FAILED, "It runs without Redis.")
    assert Check.RULE not in found
    assert found[Check.WORKER][0].state is State.OK


@pytest.mark.parametrize(
    ("seconds", "state", "word"),
    [
        (0, State.OK, "agree"),
        (4, State.OK, "agree"),
        (5, State.WARNING, "5 s ahead of"),
        (-5, State.WARNING, "5 s behind"),
        (60, State.FAILED, "60 s ahead of"),
        (-3600, State.FAILED, "3600 s behind"),
    ],
)
async def test_clocks_that_differ_are_told(seconds: int, state: State, word: str) -> None:
    found = await Surroundings(skew=timedelta(seconds=seconds)).diagnose()

    [finding] = found[Check.CLOCK]
    assert (finding.state, word in finding.sentence) == (state, True)


async def test_a_clock_that_is_not_told_is_skipped() -> None:
    found = await Surroundings(skew=None).diagnose()

    assert found[Check.CLOCK][0].state is State.SKIPPED


async def test_telephony_that_is_off_fails() -> None:
    found = await Surroundings(telephony_enabled=False).diagnose()

    [finding] = found[Check.SETTINGS]
    assert (finding.state, "TELEPHONY_ENABLED" in finding.sentence) == (State.FAILED, True)


async def test_a_webhook_that_is_refused_fails_with_the_reason() -> None:
    found = await Surroundings(problem="Nothing answers.").diagnose()

    [finding] = found[Check.SERVICE]
    assert (finding.state, finding.sentence) == (State.FAILED, "Nothing answers.")


async def test_without_a_worker_the_agent_s_name_is_told_after_eight_seconds() -> None:
    around = Surroundings(has_worker=False)
    found = await around.diagnose()

    [finding] = found[Check.WORKER]
    assert finding.state is State.FAILED
    assert f"No worker named '{AGENT}' took a job within 8 s" in finding.sentence
    assert sum(around.world.clock.slept, timedelta()) == timedelta(seconds=8)
    assert around.world.livekit.open == {}


async def test_webhooks_that_do_not_arrive_fail() -> None:
    found = await Surroundings(webhooks_arrive=False).diagnose()

    [finding] = found[Check.WEBHOOKS]
    assert (finding.state, "webhook.urls" in finding.sentence) == (State.FAILED, True)


@pytest.mark.parametrize(
    ("minutes_ago", "state"), [(0, State.OK), (10, State.OK), (11, State.WARNING)]
)
async def test_without_a_dispatch_the_newest_webhook_is_looked_at(
    minutes_ago: int, state: State
) -> None:
    around = Surroundings()
    await around.receives("room_started", "room-1", minutes_ago)
    await around.receives(DOCTOR_EVENT)
    found = await around.diagnose(with_dispatch=False)

    assert found[Check.WEBHOOKS][0].state is state
    assert f"{minutes_ago} minutes ago" in found[Check.WEBHOOKS][0].sentence
    assert found[Check.WORKER][0].state is State.SKIPPED
    assert around.world.livekit.count("create") == 0


async def test_without_a_dispatch_the_latest_jobs_are_looked_at() -> None:
    around = Surroundings()
    await around.world.start()
    around.world.clock.advance(TAKEN_WITHIN)
    presence = await around.world.find_agent(around.world.session())
    await around.world.keep_agent.record(around.world.session(), presence, Source.RECONCILER)
    unread = await around.diagnose(with_dispatch=False, ledger_problem="It cannot be read.")
    found = await around.diagnose(with_dispatch=False)

    assert unread[Check.WORKER][0].state is State.SKIPPED
    [finding] = found[Check.WORKER]
    assert finding.state is State.FAILED
    assert f"No worker named '{AGENT}' is registered" in finding.sentence


async def answered_by(around: Surroundings, name: str, number: str = NUMBER, **more: Any) -> str:
    """A saved agent, with the worker ``name``, that answers the number; its id."""
    agent = await around.world.manage_agents.create({"name": name, "agentName": name}, SYSTEM)
    body = {"number": number, "agentId": str(agent.id), **more}
    await around.world.manage_phone_numbers.create(body, SYSTEM)
    return str(agent.id)


@pytest.mark.parametrize("registered", [True, False])
async def test_the_worker_of_the_number_s_own_agent_is_checked(*, registered: bool) -> None:
    around = Surroundings(registered={"support"} if registered else {AGENT})
    agent_id = await answered_by(around, "support")
    found = await around.diagnose()

    [worker] = found[Check.WORKER]
    assert worker.state is (State.OK if registered else State.FAILED)
    assert "named 'support'" in worker.sentence
    assert ("the saved agent's agentName" in worker.sentence) is not registered
    _, answered = found[Check.NUMBER]
    assert answered.state is State.OK
    assert answered.sentence == (f"Calls to {NUMBER} are answered by agent {agent_id} ('support').")


async def test_without_a_number_the_workers_of_all_numbers_and_the_default_are_checked() -> None:
    around = Surroundings(registered={AGENT, "sales"})
    for at, name in enumerate(("support", "sales")):
        await answered_by(around, name, f"+1510555010{at}")
        await answered_by(around, f"{name} too", f"+1510555011{at}")
    found = await around.diagnose(None)

    assert {one.sentence.split("'")[1]: one.state for one in found[Check.WORKER]} == {
        AGENT: State.OK, "support": State.FAILED, "support too": State.FAILED,
        "sales": State.OK, "sales too": State.FAILED,
    }  # fmt: skip
    assert found[Check.WEBHOOKS][0].state is State.OK
    assert around.world.livekit.open == {}
    assert sum(around.world.clock.slept, timedelta()) < timedelta(seconds=60)


async def test_more_agents_than_are_checked_are_said_so() -> None:
    around = Surroundings()
    for at in range(MOST):
        await answered_by(around, f"agent-{at}", f"+151055502{at:02}")
    found = await around.diagnose(None)

    [warning] = [one for one in found[Check.WORKER] if one.state is State.WARNING]
    assert f"More than {MOST} agents" in warning.sentence
    assert around.world.livekit.count("create") == MOST


async def test_a_number_whose_agent_cannot_be_used_is_warned_of() -> None:
    around = Surroundings()
    agent_id = await answered_by(around, "support")
    await around.world.manage_agents.delete(agent_id, SYSTEM)
    found = await around.diagnose()

    _, warning = found[Check.NUMBER]
    assert warning.state is State.WARNING
    assert f"answered by AGENT_NAME '{AGENT}'" in warning.sentence
    assert "cannot be used" in warning.sentence
    assert f"'{AGENT}'" in found[Check.WORKER][0].sentence


async def test_a_trunk_s_own_entry_and_a_webhook_are_said() -> None:
    around = Surroundings(registered={"support", "sales"})
    await answered_by(around, "support", preCallWebhook={"url": "https://example.com/call"})
    await answered_by(around, "sales", trunkId="ST_2")
    found = await around.diagnose()

    _, first, second = found[Check.NUMBER]
    assert "unless its pre-call webhook decides otherwise" in first.sentence
    assert second.sentence.startswith(f"Calls to {NUMBER} by ST_2 are answered by agent")
    assert {one.state for one in found[Check.WORKER]} == {State.OK}


async def test_without_a_dispatch_the_latest_jobs_of_the_number_s_agent_are_looked_at() -> None:
    around = Surroundings()
    world = around.world
    await answered_by(around, "support", "+15105550123")
    world.joins()
    await world.hears_all()
    world.clock.advance(TAKEN_WITHIN)
    presence = await world.find_agent(world.session())
    await world.keep_agent.record(world.session(), presence, Source.RECONCILER)

    other = await around.diagnose(with_dispatch=False)
    found = await around.diagnose("+15105550123", with_dispatch=False)

    assert other[Check.WORKER][0].state is State.SKIPPED
    [finding] = found[Check.WORKER]
    assert finding.state is State.FAILED
    assert "No worker named 'support' is registered" in finding.sentence


async def test_given_more_trunks_than_are_checked_then_the_others_are_said_so() -> None:
    around = Surroundings()
    around.trunks = [
        Trunk(direction=TrunkDirection.INBOUND, numbers=(f"+1510{at:07}",)) for at in range(150)
    ]
    found = await around.diagnose(None)

    warnings = [one for one in found[Check.TRUNK] if one.state is State.WARNING]
    assert [one.sentence.split(";")[0] for one in warnings] == [
        "Only the first 100 trunks are checked"
    ]
    assert len(found[Check.TRUNK]) == 101
    [taking] = (await around.diagnose("+15100000149"))[Check.TRUNK]
    assert taking.state is State.OK


async def test_the_diagnosis_s_own_webhook_is_no_proof() -> None:
    around = Surroundings()
    await around.receives(DOCTOR_EVENT)
    found = await around.diagnose(with_dispatch=False)

    assert found[Check.WEBHOOKS][0].state is State.WARNING


@pytest.mark.parametrize("with_dispatch", [True, False])
async def test_an_inbox_that_cannot_be_read_is_skipped(*, with_dispatch: bool) -> None:
    broken = Surroundings(storage_error=StorageUnavailable("The database cannot be reached."))
    for found in (
        await broken.diagnose(with_dispatch=with_dispatch),
        await Surroundings().diagnose(
            with_dispatch=with_dispatch, ledger_problem="The database cannot be reached."
        ),
    ):
        [finding] = found[Check.WEBHOOKS]
        assert finding.state is State.SKIPPED
        assert finding.sentence == "The database cannot be reached."


async def test_without_the_scope_admin_nothing_is_asked() -> None:
    around = Surroundings()
    with pytest.raises(Forbidden):
        await around.diagnose(access=Access(tenant="ann", scopes=WORK))

    assert (around.posted, around.world.livekit.calls) == ([], [])
