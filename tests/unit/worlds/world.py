"""The use cases wired to fakes, as the container wires them to adapters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.memory.agents import MemoryAgents
from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.agents.manage_agents import ManageAgents
from domain.agents.use_agent import UseAgent
from domain.idempotency.idempotent_execution import IdempotentExecution
from domain.sessions.agent_timeouts import AgentTimeouts
from domain.sessions.await_user import AwaitUser
from domain.sessions.dispatch_agent import DispatchAgent
from domain.sessions.end_session import EndSession, EndSessionCommand
from domain.sessions.ensure_agent import EnsureAgent
from domain.sessions.extend_wait import ExtendWait
from domain.sessions.find_agent import FindAgent
from domain.sessions.hold_ended_room import HoldEndedRoom
from domain.sessions.keep_agent import KeepAgent
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.renew_claim import RenewClaim
from domain.sessions.renew_token import RenewToken
from domain.sessions.session import Session
from domain.sessions.session_limit import SessionLimit
from domain.sessions.session_store import SessionStore
from domain.sessions.start_session import StartedSession, StartSession, StartSessionCommand
from domain.sessions.start_session_once import IdempotentResponse, StartSessionOnce
from domain.sessions.watch_workers import WatchWorkers
from domain.shared.errors import DomainError
from domain.shared.identifiers import Identity, RoomName
from domain.shared.retry_on_conflict import RetryOnConflict
from tests.unit.worlds.fake_livekit import FakeDispatcher, FakeLiveKit, FakeRooms, ListedDispatch
from tests.unit.worlds.fakes import FakeClock, InMemoryLedger, ReadableTokens, SequentialIds
from tests.unit.worlds.steps import Steps

AGENT = "shreya-obnox"
ROOM = "room-1"
LEASE = timedelta(seconds=15)
TIMEOUTS = AgentTimeouts()
GRACE = TIMEOUTS.taken_within
"""After which a dispatch without a job counts as not taken."""
JOIN = TIMEOUTS.joined_within
MOMENT = timedelta(milliseconds=1)


class World:
    """One service, its ledger and its LiveKit; another replica of it, which shares ``beside``'s."""

    def __init__(
        self,
        patience: timedelta = timedelta(seconds=30),
        beside: World | None = None,
    ) -> None:
        self.steps: Steps = beside.steps if beside else Steps()
        self.clock: FakeClock = beside.clock if beside else FakeClock(self.steps)
        self.ids: SequentialIds = beside.ids if beside else SequentialIds()
        self.saved_agents: MemoryAgents = beside.saved_agents if beside else MemoryAgents()
        self.manage_agents = ManageAgents(agents=self.saved_agents, clock=self.clock, ids=self.ids)
        self.livekit: FakeLiveKit = beside.livekit if beside else FakeLiveKit(self.steps)
        self.storage: InMemoryLedger = beside.storage if beside else InMemoryLedger(self.steps)
        self.lost: list[tuple[Session, DomainError]] = []
        self.ledger = SessionStore(self.storage, lambda *what: self.lost.append(what))
        dispatcher = FakeDispatcher(self.livekit)
        rooms = self.rooms = FakeRooms(self.livekit)
        retry_on_conflict = RetryOnConflict(clock=self.clock, patience=patience)
        self.find_agent = FindAgent(
            rooms=rooms, dispatcher=dispatcher, clock=self.clock, timeouts=TIMEOUTS
        )
        self.renew_claim = RenewClaim(ledger=self.ledger, clock=self.clock, lease=LEASE)
        self.dispatch_agent = DispatchAgent(
            ledger=self.ledger,
            dispatcher=dispatcher,
            clock=self.clock,
            renew_claim=self.renew_claim,
        )
        self.latencies: list[timedelta] = []
        self.keep_agent = KeepAgent(
            ledger=self.ledger,
            dispatch_agent=self.dispatch_agent,
            dispatcher=dispatcher,
            rooms=rooms,
            clock=self.clock,
            ids=self.ids,
            lease=LEASE,
            joined=self.latencies.append,
        )
        self.hold_room = HoldEndedRoom(
            ledger=self.ledger, clock=self.clock, ids=self.ids, lease=LEASE
        )
        self.ensure_agent = EnsureAgent(
            ledger=self.ledger,
            find_agent=self.find_agent,
            keep_agent=self.keep_agent,
            dispatch_agent=self.dispatch_agent,
            clock=self.clock,
            ids=self.ids,
            lease=LEASE,
            limit=SessionLimit(ledger=self.ledger, clock=self.clock, most=3),
            agent_name=AGENT,
        )
        extend_wait = ExtendWait(
            ledger=self.ledger, clock=self.clock, retry_on_conflict=retry_on_conflict
        )
        self.await_user = AwaitUser(
            ledger=self.ledger,
            ensure_agent=self.ensure_agent,
            clock=self.clock,
            ids=self.ids,
            extend_wait=extend_wait,
        )
        self.watch_workers = WatchWorkers(self.ledger, self.clock, TIMEOUTS)
        self.start_session = StartSession(
            ensure_agent=self.ensure_agent,
            use_agent=UseAgent(self.saved_agents),
            await_user=self.await_user,
            token_signer=ReadableTokens(),
            livekit_url="wss://livekit.test",
            clock=self.clock,
            ids=self.ids,
            retry_on_conflict=retry_on_conflict,
            agent_name=AGENT,
            agent_status=self.watch_workers.status_of,
        )
        self.start_session_once = StartSessionOnce(
            idempotent_execution=IdempotentExecution(
                idempotency=self.storage.idempotency, clock=self.clock, ids=self.ids
            ),
            start_session=self.start_session,
            ledger=self.ledger,
        )
        self.end_session = EndSession(
            ledger=self.ledger,
            rooms=rooms,
            dispatcher=dispatcher,
            hold_room=self.hold_room,
            clock=self.clock,
            ids=self.ids,
            retry_on_conflict=retry_on_conflict,
            renew_claim=self.renew_claim,
            lease=LEASE,
        )
        self.read_sessions = ReadSessions(self.ledger)
        self.renew_token = RenewToken(
            read_sessions=self.read_sessions,
            extend_wait=extend_wait,
            token_signer=ReadableTokens(),
            livekit_url="wss://livekit.test",
        )

    async def start(
        self,
        identity: str = "user-1",
        room_name: str | None = ROOM,
        agent_config: Mapping[str, Any] | None = None,
        dispatch: str | None = None,
        agent_name: str | None = None,
    ) -> StartedSession:
        command = StartSessionCommand(
            identity,
            room_name,
            agent_config,
            access=SYSTEM,
            dispatch=dispatch,
            agent_name=agent_name,
        )
        started = await self.start_session(command)
        if not self.steps.is_driven:
            await self.ledger.settled()
        return started

    async def start_once(
        self, key: str = "key-1", command: StartSessionCommand | None = None
    ) -> IdempotentResponse:
        """Start with this key; what is told is the session's id."""
        asked = command or StartSessionCommand("user-1", access=SYSTEM)
        return await self.start_session_once(key, asked, lambda started: str(started.session.id))

    async def end(self, room_name: str = ROOM) -> None:
        await self.end_session(EndSessionCommand(room_name, access=SYSTEM))

    def new_session(self, room_name: str = ROOM) -> Session:
        """A session that is not stored."""
        return Session(
            id=self.ids.session_id(),
            room_name=RoomName(room_name),
            identity=Identity("user-1"),
            agent_name=AGENT,
            agent_config=AgentConfig.parse(None),
            created_at=self.clock.now(),
        )

    async def claimed_session(self, holder: str = "me", room_name: str = ROOM) -> Session:
        """A new session whose claim ``holder`` has, stored."""
        session = self.new_session(room_name)
        return await self.ledger.add(session.claimed(holder, self.clock.now(), LEASE))

    async def agent_comes_late(self, session: Session) -> None:
        """A dispatch of the session's that was on its way; it opens the room if there is none."""
        await self.dispatch_agent.dispatcher.create(
            session.room_name, session.agent_name, session.metadata()
        )
        self.livekit.agents_join(str(session.room_name))

    def session(self, room_name: str = ROOM) -> Session:
        """The room's newest session as the ledger has it."""
        session = self.storage.newest_in(room_name)
        assert session is not None
        return session

    def dispatches(self, room_name: str = ROOM) -> list[ListedDispatch]:
        """What LiveKit lists in the room."""
        return self.livekit.listed(room_name)

    def pass_lease(self) -> None:
        """Until no claim is held and no agent is still expected."""
        self.clock.advance(LEASE + MOMENT)
