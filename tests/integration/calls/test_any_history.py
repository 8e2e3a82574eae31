"""Any history of callers, web users, agents, rooms and servers x any loss, repetition and order of
webhooks x faults and crashes: in the service as it is wired, on a socket and in a database, the
ledger ends up true.

Only here do such histories pass through the container, LiveKit's API and SQL; the domain's own
(test_any_*.py in tests/unit) meet memory, and tests/faults kills real processes in real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Final, TypeVar
from unittest import mock

import attrs
import pytest
from aiohttp import web
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from application.settings import CLAIM_LEASE, LIVEKIT_TOTAL_LIMIT
from domain.access.access import SYSTEM
from domain.calls.call import Call, CallStatus
from domain.calls.repository import CallFilter
from domain.inbox.entry import MAX_FAILURES, InboxEntry, InboxStatus
from domain.sessions.end_session import EndSessionCommand
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_outline import ABANDONED_AFTER
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import NotFound, SessionBusy, SessionEnded, StorageUnavailable
from domain.shared.identifiers import CallId
from domain.shared.livekit_errors import LiveKitError
from entrypoints.container import Container, running
from entrypoints.settings import load_settings
from entrypoints.simulator.faults import Fault, FaultKind
from entrypoints.simulator.server import Simulator
from entrypoints.simulator.webhooks import signed_webhook
from entrypoints.simulator.world import AGENT_NAME, LiveRoom
from tests.databases import sqlite_in
from tests.livekit_server import API_KEY, API_SECRET
from tests.webhook_command import webhook_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

AGENT: Final = "agent-of-ours"
SECOND: Final = timedelta(seconds=1)
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
INBOX_LEASE: Final = timedelta(seconds=6)
ROOMS: Final = ("one", "two", "three")
PHONES: Final = {
    "sip_+15105550100": ParticipantInfo.Kind.SIP,
    "phone-2": ParticipantInfo.Kind.SIP,
    "sip_3": ParticipantInfo.Kind.STANDARD,  # a telephone by its prefix
}
WEB_USER: Final = "web-user"
TRUNK: Final = {
    "sip.phoneNumber": "+15105550100",
    "sip.trunkPhoneNumber": "+15105550199",
    "sip.trunkID": "ST_1",
    "sip.ruleID": "SDR_1",
}
STATUS: Final = {
    "": CallStatus.ACTIVE,
    "dialing": CallStatus.CREATED,
    "ringing": CallStatus.RINGING,
    "active": CallStatus.ACTIVE,
}
REASONS: Final = (
    DisconnectReason.CLIENT_INITIATED,
    DisconnectReason.USER_REJECTED,
    DisconnectReason.SIP_TRUNK_FAILURE,
    DisconnectReason.UNKNOWN_REASON,
)

TROUBLES: Final[tuple[Mapping[str, Any], ...]] = (
    {"kind": "error", "status": 400},
    {"kind": "error"},
    {"kind": "error", "applied": True},
    {"kind": "error", "deadly": True},
    {"kind": "error", "deadly": True, "applied": True},
    {"kind": "reset"},
    {"kind": "reset", "applied": True},
    {"kind": "garbage", "applied": True},
    {"kind": "hang"},
    {"kind": "hang", "applied": True},
    {"kind": "hang", "seconds": 1},  # carried out when the one who asked has given up
)
METHODS: Final = (
    "CreateDispatch",
    "CreateDispatch",
    "CreateDispatch",
    "ListDispatch",
    "DeleteDispatch",
    "ListRooms",
    "ListParticipants",
    "DeleteRoom",
)

T = TypeVar("T")
Work = Coroutine[Any, Any, T]
Trouble = tuple[str, Mapping[str, Any]] | None


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time can be skipped: a minute's time-out needs no minute."""

    skipped = timedelta()

    def time(self) -> float:
        return super().time() + self.skipped.total_seconds()


@attrs.define
class Clock:
    """Implements :class:`domain.shared.clock.Clock`: time passes only where it is skipped.

    A second takes ``pace`` real seconds, for what else is on its way meanwhile.
    """

    loop: Loop
    pace: float = 0

    def now(self) -> datetime:
        return NOON + self.loop.skipped

    def timestamp(self) -> float:
        return time.time()  # the simulator verifies tokens by it

    def monotonic(self) -> float:
        return self.loop.skipped.total_seconds()

    def set(self, _reading: datetime | None, _sent: float, _received: float) -> None:
        pass

    async def sleep(self, duration: timedelta) -> None:
        """A second at a time, in each of which happens what is due."""
        while duration:
            step = min(duration, SECOND)
            duration -= step
            self.loop.skipped += step
            await asyncio.sleep(step.total_seconds() * self.pace)
            await asyncio.sleep(0)
        for _ in range(8):  # what happened goes over sockets
            await asyncio.sleep(0)


@attrs.frozen(kw_only=True)
class Mishap(Fault):
    """A fault; one that hangs lasts until the one who asked has given up, and ``seconds``.

    ``deadly`` is one at which the one who asked dies.
    """

    clock: Clock
    kill: Callable[[], object]
    deadly: bool = False

    async def inflict(
        self, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        if self.kind is not FaultKind.HANG:
            response = await super().inflict(request, answer)
            if self.deadly:
                self.kill()
            return response
        await request.read()
        response = await answer() if self.applied else web.Response(status=503)
        await self.clock.sleep(LIVEKIT_TOTAL_LIMIT + SECOND)
        if self.seconds is not None:
            await asyncio.sleep(self.seconds)
            return await answer()
        return response  # which nobody hears


@types.coroutine
def dying(work: Work[T], waits: int) -> Generator[Any, Any, T]:
    """``work``, which is cancelled the ``waits``-th time that it waits for something."""
    task = asyncio.current_task()
    assert task is not None
    go_on: Callable[[], Any] = partial(work.send, None)
    while True:
        try:
            awaited = go_on()
        except StopIteration as done:
            result: T = done.value
            return result
        waits -= 1
        if waits == 0:
            asyncio.get_running_loop().call_soon(task.cancel)
        try:
            yield awaited
            go_on = partial(work.send, None)
        except BaseException as error:  # noqa: BLE001 - work is what handles it
            go_on = partial(work.throw, error)


rooms = st.sampled_from(["one", "one", "one", "two", "three"])
phones = st.sampled_from(sorted(PHONES))
statuses = st.sampled_from(sorted(STATUS))
numbers = st.integers(0, 7)
troubles = st.none() | st.tuples(st.sampled_from(METHODS), st.sampled_from(TROUBLES))
deaths = st.none() | st.none() | st.integers(1, 15) | st.integers(1, 60)


class AnyHistory(RuleBasedStateMachine):
    """What happens at a LiveKit, what a service hears of it and does, and what must hold."""

    pace = 0.02  # leases must not run out while the disk is at it

    def __init__(self) -> None:
        super().__init__()
        self.loop = Loop()
        self.clock = Clock(self.loop)
        self.folder = Path(tempfile.mkdtemp(prefix="any-history-"))
        self.open = AsyncExitStack()
        self.told: list[WebhookEvent] = []
        self.heard: list[WebhookEvent] = []
        self.stays: set[tuple[str, str]] = set()
        self.ended: dict[CallId, datetime] = {}
        self.failed = 0
        self.holders = 0
        # LiveKit's time is the service's, and its ids are the same each time.
        patched: Any = {
            "time": SimpleNamespace(time=self._seconds, monotonic=self._seconds),
            "secrets": Random(0),
        }
        self.open.enter_context(mock.patch.multiple("entrypoints.simulator.world", **patched))
        self.loop.run_until_complete(self._begin())

    def _seconds(self) -> float:
        return self.clock.now().timestamp()

    async def _begin(self) -> None:
        simulator = Simulator(API_KEY, API_SECRET, workers={AGENT: 0}, unknown_room_seconds=0.01)
        self.simulator = await self.open.enter_async_context(simulator)
        self.world = simulator.world
        self.world._notify = self.told.append
        environ = {
            "LIVEKIT_URL": simulator.url,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "DATABASE_URL": sqlite_in(self.folder),
            "AGENT_NAME": AGENT,
            "TELEPHONY_ENABLED": "true",
        }
        self.container = Container(settings=load_settings(environ, self.folder))
        self.container.clock.override(self.clock)
        await self.open.enter_async_context(running(self.container))

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # else something is wrong already
                self._look(self._settle())
        finally:
            self.loop.run_until_complete(self._close())
            self.loop.close()
            shutil.rmtree(self.folder)

    async def _close(self) -> None:
        await self.open.aclose()
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()

    def _do(self, work: Work[object]) -> None:
        async def do() -> None:
            await work
            await self.clock.sleep(timedelta(milliseconds=1))

        self.loop.run_until_complete(do())

    def _look(self, work: Work[T]) -> T:
        return self.loop.run_until_complete(work)

    # What happens

    @initialize(room=rooms, phone=phones, status=statuses)
    def it_begins_with_a_caller(self, room: str, phone: str, status: str) -> None:
        self.a_caller_joins(room, phone, status)

    @rule(room=rooms, phone=phones, status=statuses)
    def a_caller_joins(self, room: str, phone: str, status: str) -> None:
        async def join() -> None:
            attributes = {**TRUNK, "sip.callStatus": status} if status else {}
            info = self.world.join(room, phone, kind=PHONES[phone], attributes=attributes)
            self.stays.add((self.world.rooms[room].info.sid, info.sid))

        self._do(join())

    @rule(which=numbers, status=st.sampled_from(["ringing", "active", "active"]))
    def a_caller_rings_or_answers(self, which: int, status: str) -> None:
        for room, who in self._one_of(self._callers(), which):
            if who.attributes.get("sip.callStatus") in ("dialing", "ringing"):
                self.world.set_attributes(room.info.name, who.identity, {"sip.callStatus": status})

    @rule(which=numbers, reason=st.sampled_from(REASONS))
    def somebody_leaves(self, which: int, reason: DisconnectReason) -> None:
        async def leave() -> None:
            people = [one for one in self._people() if one not in self._agents()]
            for room, who in self._one_of(people, which):
                self.world.leave(room.info.name, who.identity, reason)

        self._do(leave())

    @rule(which=numbers, joins_after=st.sampled_from([0, 0, 0, 2000, None]))
    def an_agent_vanishes(self, which: int, joins_after: int | None) -> None:
        """Its worker comes back at once, slower, or not at all."""

        async def vanish() -> None:
            for room, who in self._one_of(self._agents(), which):
                self.world.leave(room.info.name, who.identity)

        self._do(vanish())
        self.simulator.workers.clear()
        if joins_after is not None:
            self.simulator.workers[AGENT] = joins_after

    @rule(which=numbers, forgotten=st.sampled_from([False, False, False, True]))
    def a_room_closes_or_livekit_starts_anew(self, which: int, *, forgotten: bool) -> None:
        async def close() -> None:
            if forgotten:
                self.world.clear()
            for name in self._one_of([*self.world.rooms], which):
                self.world.close_room(name, DisconnectReason.ROOM_CLOSED)

        self._do(close())

    @rule(seconds=st.sampled_from([1, 3, 7, 11, 16, 25]))
    def time_passes(self, seconds: int) -> None:
        self._do(self.clock.sleep(seconds * SECOND))

    # What the service hears

    @rule(which=numbers, times=st.sampled_from([0, 1, 1, 2]), again=st.booleans())
    def an_event_comes(self, which: int, times: int, *, again: bool) -> None:
        """Or is lost, or comes twice; or comes ``again`` long after it came."""
        for event in self._one_of(self.heard[::-1] if again and self.heard else self.told, which):
            if event in self.told:
                self.told.remove(event)
            for _ in range(times):
                self._do(self._hear(event))

    # What the service does, while at most one request goes wrong; it may die at it

    @rule(room=rooms, phone=phones, status=statuses, trouble=troubles)
    def a_caller_joins_and_is_served(
        self, room: str, phone: str, status: str, trouble: Trouble
    ) -> None:
        self.a_caller_joins(room, phone, status)
        self.what_is_told_of_a_room_comes_and_is_handled(room, trouble, backwards=False)

    @rule(room=rooms, backwards=st.booleans(), trouble=troubles)
    def what_is_told_of_a_room_comes_and_is_handled(
        self, room: str, trouble: Trouble, *, backwards: bool
    ) -> None:
        async def hear() -> None:
            await self._hear_of(room, backwards=backwards)
            await self._work_off()

        self._serve(hear(), trouble)

    @rule(trouble=troubles, death=deaths)
    def the_inbox_is_worked_off(self, trouble: Trouble, death: int | None) -> None:
        async def handle() -> None:
            if death is not None:
                for entry, holder in await self._claim():
                    await self._dying(self.container.process_entry()(entry, holder), death)
            await self._work_off()

        self._serve(handle(), trouble)

    @rule(trouble=troubles, death=deaths)
    def the_reconciler_runs(self, trouble: Trouble, death: int | None) -> None:
        self._serve(self._dying(self._reconcile(), death), trouble)

    @rule(room=rooms, trouble=troubles, death=deaths)
    def a_web_user_starts_a_session(self, room: str, trouble: Trouble, death: int | None) -> None:
        async def start() -> None:
            if await self._dying(self._start(room), death):
                there = self.world.rooms[room]
                assert any(one.agent_name == AGENT for one in there.dispatches.values())
                self.world.join(room, WEB_USER)

        self._serve(start(), trouble)

    @rule(room=rooms, trouble=troubles, death=deaths)
    def a_session_is_ended(self, room: str, trouble: Trouble, death: int | None) -> None:
        self._serve(self._dying(self._end(room), death), trouble)

    @rule(room=rooms, trouble=troubles)
    def everybody_is_at_it_at_once(self, room: str, trouble: Trouble) -> None:
        async def together() -> None:
            await self._hear_of(room)
            self.clock.pace = self.pace
            try:
                await asyncio.gather(
                    self._work_off(), self._start(room), self._reconcile(), self._work_off()
                )
            finally:
                self.clock.pace = 0

        self._serve(together(), trouble)

    # How

    def _serve(self, work: Work[object], trouble: Trouble) -> None:
        async def serve() -> None:
            serving = asyncio.ensure_future(work)
            plan = self.simulator.faults
            if trouble is not None and self.failed < MAX_FAILURES - 1:  # or events are set aside
                method, how = trouble
                fault = Mishap(clock=self.clock, kill=serving.cancel, method=method, **how)
                plan.add(fault)
                self.failed += 1
            await asyncio.wait([serving])
            self.failed -= len(plan.faults)
            plan.clear()
            if serving.cancelled():
                self.container.reconcile.reset()  # it starts again and remembers nothing
            else:
                serving.result()

        self._do(serve())

    @staticmethod
    async def _dying(work: Work[T], death: int | None) -> T:
        """What comes of ``work``, unless whoever does it dies at it."""
        return await (work if death is None else dying(work, death))

    async def _hear(self, event: WebhookEvent) -> None:
        body, headers = signed_webhook(event, API_KEY, API_SECRET)
        command = webhook_command(body, headers["Authorization"])
        await self.container.receive_webhook()(command)
        self.heard.append(event)

    async def _hear_of(self, room: str, *, backwards: bool = False) -> None:
        events = [event for event in self.told if event.room.name == room]
        self.told = [event for event in self.told if event.room.name != room]
        for event in reversed(events) if backwards else events:
            await self._hear(event)

    async def _work_off(self) -> None:
        while await self._handle_one():
            pass

    async def _handle_one(self) -> bool:
        """Whether there was an entry to handle."""
        with contextlib.suppress(StorageUnavailable):
            for entry, holder in await self._claim():
                await self.container.process_entry()(entry, holder)
                return True
        return False

    async def _claim(self) -> list[tuple[InboxEntry, str]]:
        """One entry at most, and who has leased it."""
        self.holders += 1
        now, holder = self.clock.now(), f"worker-{self.holders}"
        entries = await self.container.inbox().claim(holder, now, now + INBOX_LEASE, 1)
        return [(entry, holder) for entry in entries]

    async def _reconcile(self) -> None:
        with contextlib.suppress(LiveKitError, StorageUnavailable):
            await self.container.reconcile()()

    async def _start(self, room: str) -> bool:
        try:
            await self.container.start_session()(StartSessionCommand(WEB_USER, room, access=SYSTEM))
        except (LiveKitError, SessionBusy, SessionEnded, StorageUnavailable):
            return False
        return True

    async def _end(self, room: str) -> None:
        with contextlib.suppress(LiveKitError, NotFound, SessionBusy, StorageUnavailable):
            await self.container.end_session()(EndSessionCommand(room, access=SYSTEM))

    async def _calls(self) -> list[Call]:
        async with self.container.storage().unit_of_work() as work:
            calls: list[Call] = await work.calls.page(CallFilter(), None, 10_000, SYSTEM)
            return calls

    async def _sessions(self) -> list[Session]:
        async with self.container.storage().unit_of_work() as work:
            found: list[Session] = await work.sessions.page(SessionFilter(), None, 10_000, SYSTEM)
            return [session for session in found if session.is_live]

    def _callers(self) -> list[tuple[LiveRoom, ParticipantInfo]]:
        return [(room, who) for room, who in self._people() if who.identity in PHONES]

    def _agents(self) -> list[tuple[LiveRoom, ParticipantInfo]]:
        return [
            (room, who) for room, who in self._people() if who.attributes.get(AGENT_NAME) == AGENT
        ]

    def _people(self) -> list[tuple[LiveRoom, ParticipantInfo]]:
        rooms = self.world.rooms.values()
        return [(room, who) for room in rooms for who in room.participants.values()]

    @staticmethod
    def _one_of(things: list[T], which: int) -> list[T]:
        """One of them, if there are any."""
        return [things[which % len(things)]] if things else []

    # What must never be otherwise

    @invariant()
    def no_room_ever_had_two_agents_at_once(self) -> None:
        assert all(record.most_at_once <= 1 for record in self.world.agent_records.values())

    @invariant()
    def no_room_has_two_live_sessions(self) -> None:
        names = [str(session.room_name) for session in self._look(self._sessions())]
        assert len(names) == len(set(names))

    @invariant()
    def an_ended_call_stays_ended(self) -> None:
        for call in self._look(self._calls()):
            if call.ended_at is not None:
                assert call.ended_at <= self.ended.get(call.id, self.clock.now())
                self.ended[call.id] = call.ended_at
            else:
                assert call.id not in self.ended

    @invariant()
    def an_acknowledged_event_is_in_the_inbox(self) -> None:
        async def look() -> None:
            for event in self.heard[-8:]:
                assert await self.container.inbox().get(event.id) is not None

        self._look(look())

    # What must be so in the end

    async def _settle(self) -> None:
        self.told.clear()
        self.simulator.faults.clear()
        self.simulator.workers[AGENT] = 0
        for _ in range(6):
            await self._quiet_for(CLAIM_LEASE + SECOND)
        await self._ledger_is_true()
        await self._quiet_for(ABANDONED_AFTER + SECOND)
        await self._quiet_for(CLAIM_LEASE + SECOND)
        for session in await self._sessions():
            assert str(session.room_name) in self.world.rooms
        self.no_room_ever_had_two_agents_at_once()

    async def _quiet_for(self, duration: timedelta) -> None:
        await self.clock.sleep(duration)
        await self._work_off()
        await self._reconcile()
        await self.clock.sleep(SECOND)

    async def _ledger_is_true(self) -> None:
        calls = await self._calls()
        by_stay = {
            (call.leg.room_sid, call.leg.participant_sid): call for call in calls if call.leg
        }
        assert len(by_stay) == len(calls)
        assert by_stay.keys() <= self.stays
        callers = {(room.info.sid, who.sid): (room, who) for room, who in self._callers()}
        assert {stay for stay, call in by_stay.items() if call.is_live} == callers.keys()
        sessions = {str(session.room_name): session for session in await self._sessions()}
        for stay, (room, who) in callers.items():
            call, session = by_stay[stay], sessions[room.info.name]
            assert call.status is STATUS[who.attributes.get("sip.callStatus", "")]
            assert call.session_id == session.id
            assert session.room_sid == room.info.sid
            assert [there for there, _ in self._agents()].count(room) == 1
        for session in sessions.values():
            known = self.world.rooms.get(str(session.room_name))
            if session.room_sid is not None or session.dispatch_id is not None:
                assert known is not None
                assert session.room_sid in (None, known.info.sid)
        counts = await self.container.inbox().counts()
        assert counts[InboxStatus.PENDING] == counts[InboxStatus.DEAD] == 0


TestAnyHistory = AnyHistory.TestCase
# The same histories each time; more of them come with derandomize=False.
TestAnyHistory.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
)
