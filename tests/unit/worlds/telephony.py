"""Callers, their rooms and the events that LiveKit sends of them, round a service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from adapters.memory.phone_numbers import MemoryPhoneNumbers
from adapters.phonenumbers.phone_numbers import normalised
from adapters.system.keys import RandomKeys
from domain.agents.use_agent import UseAgent
from domain.calls.ask_before_call import AskBeforeCall
from domain.calls.assign_agent import AssignAgentToCall
from domain.calls.call import Call
from domain.calls.hang_up import HangUp
from domain.calls.read_calls import ReadCalls
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.route_inbound_call import RouteInboundCall
from domain.calls.session_of_call import SessionOfCall
from domain.calls.unanswered_calls import UnansweredCalls
from domain.calls.watch_answers import WatchAnswers
from domain.inbox.entry import InboxEntry
from domain.inbox.process_entry import ProcessInboxEntry
from domain.inbox.webhook_verifier import WebhookEvent
from domain.phone_numbers.ask_webhook import AskWebhook
from domain.phone_numbers.manage_phone_numbers import ManagePhoneNumbers
from domain.phone_numbers.pre_call_webhook import PreCallWebhook
from domain.phone_numbers.route_call import RouteCall
from domain.reconciliation.begin_again import BeginAgain
from domain.reconciliation.check_room import CheckRoom
from domain.reconciliation.handle_room_event import HandleRoomEvent
from domain.reconciliation.reconcile import Reconcile, Reconciliation
from domain.reconciliation.remove_late_agent import RemoveLateAgent
from domain.reconciliation.room_choice import RoomChoice
from domain.rooms.room import Participant, ParticipantKind, Room
from domain.rooms.room_event import EventKind, RoomEvent
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.sessions.remove_agent import RemoveAgent
from domain.shared.errors import InvalidWebhook
from domain.shared.identifiers import RoomName
from tests.unit.worlds.world import AGENT, LEASE, ROOM, World

INBOX_LEASE = timedelta(seconds=6)
INTERVAL = timedelta(seconds=10)
CALLER = "sip_+15105550100"


@attrs.define(slots=False)
class Reader:
    """Reads bodies that are numbers of events."""

    events: list[RoomEvent] = attrs.field(factory=list)

    def read(self, body: bytes, _received_at: datetime) -> RoomEvent | None:
        try:
            return self.events[int(body)]
        except (ValueError, IndexError):
            raise InvalidWebhook("There is no such event.") from None


@attrs.define
class FakeWebhooks:
    """Answers with the next of ``answers``, the last one again; an exception is raised."""

    answers: list[bytes | Exception] = attrs.field(factory=lambda: [b"{}"])
    asked: list[tuple[PreCallWebhook, str, bytes]] = attrs.field(factory=list)

    async def send(self, webhook: PreCallWebhook, message_id: str, body: bytes) -> bytes:
        self.asked.append((webhook, message_id, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class PhoneWorld(World):
    """What happens, what LiveKit tells of it, and a service that hears some of it."""

    def __init__(
        self, *, dispatch_on_any_join: bool = False, beside: PhoneWorld | None = None
    ) -> None:
        super().__init__(beside=beside)
        self.inbox = self.storage.inbox
        self.reader: Reader = beside.reader if beside else Reader()
        self.told: list[WebhookEvent] = beside.told if beside else []
        self.stays: list[SipLeg] = beside.stays if beside else []
        self.unanswered = UnansweredCalls(clock=self.clock, watched_for=3 * INTERVAL)
        self.record_call_fact = RecordCallFact(
            unit_of_work=self.storage, ids=self.ids, recorded=self.unanswered.note
        )
        self.watch_answers = WatchAnswers(
            unit_of_work=self.storage,
            rooms=self.rooms,
            record_call_fact=self.record_call_fact,
            calls=self.unanswered,
            clock=self.clock,
        )
        self.phone_numbers: MemoryPhoneNumbers = (
            beside.phone_numbers if beside else MemoryPhoneNumbers()
        )
        self.route_call = RouteCall(
            numbers=self.phone_numbers,
            use_agent=UseAgent(self.saved_agents),
            clock=self.clock,
        )
        self.webhooks = FakeWebhooks()
        self.undecided: list[tuple[Call, Exception]] = []
        self.ask_before = AskBeforeCall(
            ask_webhook=AskWebhook(
                sender=self.webhooks, route_call=self.route_call, clock=self.clock
            ),
            route_call=self.route_call,
            record_call_fact=self.record_call_fact,
            failed=lambda *what: self.undecided.append(what),
        )
        self.assign_agent = AssignAgentToCall(
            record_call_fact=self.record_call_fact,
            ensure_agent=self.ensure_agent,
            ledger=self.ledger,
            finished_rooms=self.inbox,
            rooms=self.rooms,
            clock=self.clock,
            route=RouteInboundCall(route_call=self.route_call, ledger=self.ledger),
            session_of=SessionOfCall(
                route_call=self.route_call,
                ledger=self.ledger,
                clock=self.clock,
                ids=self.ids,
                agent_name=AGENT,
            ),
            ask_before=self.ask_before,
            hang_up=HangUp(self.rooms, self.ledger),
        )
        dispatcher = self.dispatch_agent.dispatcher
        self.remove_agent = RemoveAgent(
            ledger=self.ledger,
            dispatcher=dispatcher,
            clock=self.clock,
            ids=self.ids,
            renew_claim=self.renew_claim,
            lease=LEASE,
        )
        self.remove_late_agent = RemoveLateAgent(
            ledger=self.ledger,
            find_agent=self.find_agent,
            rooms=self.rooms,
            dispatcher=dispatcher,
            hold_room=self.hold_room,
            clock=self.clock,
            agent_name=AGENT,
        )
        self.begin_again = BeginAgain(
            ledger=self.ledger,
            find_agent=self.find_agent,
            ensure_agent=self.ensure_agent,
            clock=self.clock,
            ids=self.ids,
            agent_name=AGENT,
        )
        self.handle_room_event = HandleRoomEvent(
            unit_of_work=self.storage,
            ledger=self.ledger,
            record_call_fact=self.record_call_fact,
            assign_agent=self.assign_agent,
            begin_again=self.begin_again,
            find_agent=self.find_agent,
            keep_agent=self.keep_agent,
            remove_agent=self.remove_agent,
            remove_late_agent=self.remove_late_agent,
            hold_room=self.hold_room,
            clock=self.clock,
            dispatch_on_any_join=dispatch_on_any_join,
        )
        self.process_entry = ProcessInboxEntry(
            inbox=self.inbox,
            reader=self.reader,
            handle_room_event=self.handle_room_event,
            clock=self.clock,
        )
        self.reconcile = self.new_reconcile()
        self.read_calls = ReadCalls(self.storage, normalised)
        self.manage_phone_numbers = ManagePhoneNumbers(
            numbers=self.phone_numbers,
            agents=self.saved_agents,
            clock=self.clock,
            ids=self.ids,
            secrets=RandomKeys(),
            normalised=normalised,
            allow_private=False,
        )

    def new_reconcile(
        self, *, telephony: bool = True, budget: int = 500, rotation: int = 250
    ) -> Reconcile:
        """A reconciler that has not looked yet."""
        return Reconcile(
            unit_of_work=self.storage,
            ledger=self.ledger,
            rooms=self.rooms,
            check_room=CheckRoom(
                rooms=self.rooms,
                ledger=self.ledger,
                record_call_fact=self.record_call_fact,
                assign_agent=self.assign_agent,
                find_agent=self.find_agent,
                keep_agent=self.keep_agent,
                remove_agent=self.remove_agent,
                remove_late_agent=self.remove_late_agent,
                begin_again=self.begin_again,
                clock=self.clock,
                telephony=telephony,
            ),
            record_call_fact=self.record_call_fact,
            clock=self.clock,
            interval=INTERVAL,
            choice=RoomChoice(telephony=telephony, budget=budget, rotation=rotation),
            parallel=1,
        )

    # What happens

    def joins(
        self,
        caller: str = CALLER,
        room_name: str = ROOM,
        status: LegStatus | None = LegStatus.ACTIVE,
    ) -> SipLeg:
        """A caller joins; whoever is there under the same identity leaves."""
        self.leaves(caller, room_name, "DUPLICATE_IDENTITY")
        room = self.livekit.opens(room_name)
        leg = SipLeg(
            room_name=room_name,
            room_sid=room.sid,
            participant_sid=self.livekit.new_id("PA"),
            participant_identity=caller,
            joined_at=self.clock.now(),
            from_number="+15105550100",
            to_number="+15105550123",
        )
        self.stays.append(leg)
        who = Participant(caller, ParticipantKind.SIP, leg=leg, leg_status=status)
        room.people[caller] = who
        self._tell(EventKind.PARTICIPANT_JOINED, room_name, who)
        return leg

    def user_joins(self, identity: str = "user-1", room_name: str = ROOM) -> None:
        """A person who is no telephone joins."""
        who = Participant(identity, ParticipantKind.STANDARD)
        self.livekit.opens(room_name).people[identity] = who
        self._tell(EventKind.PARTICIPANT_JOINED, room_name, who)

    def agent_joins(self, identity: str, room_name: str = ROOM, name: str | None = AGENT) -> None:
        """An agent joins whose dispatch is not listed."""
        joined_at = self.clock.now()
        who = Participant(identity, ParticipantKind.AGENT, name, joined_at=joined_at)
        self.livekit.opens(room_name).people[identity] = who
        self._tell(EventKind.PARTICIPANT_JOINED, room_name, who)

    def answers(self, caller: str = CALLER, room_name: str = ROOM) -> None:
        """A call becomes active, of which LiveKit sends nothing."""
        people = self.livekit.opens(room_name).people
        people[caller] = attrs.evolve(people[caller], leg_status=LegStatus.ACTIVE)

    def leaves(
        self,
        who: str = CALLER,
        room_name: str = ROOM,
        reason: str = "CLIENT_INITIATED",
        kind: EventKind = EventKind.PARTICIPANT_LEFT,
    ) -> None:
        """Somebody leaves, if they are there."""
        room = self.livekit.open.get(room_name)
        if room is not None and who in room.people:
            self._tell(kind, room_name, room.people.pop(who), reason)

    def agents_join(self, room_name: str = ROOM) -> None:
        """Agents join, of which LiveKit sends events."""
        room = self.livekit.opens(room_name)
        before = set(room.people)
        self.livekit.agents_join(room_name)
        for identity in room.people.keys() - before:
            self._tell(EventKind.PARTICIPANT_JOINED, room_name, room.people[identity])

    def agents_leave(self, room_name: str = ROOM) -> None:
        """Every agent leaves, of which LiveKit sends events."""
        for identity in [*self.livekit.opens(room_name).people]:
            if identity.startswith("agent-"):
                self.leaves(identity, room_name)

    def closes(self, room_name: str = ROOM) -> None:
        """The room ends for everybody in it."""
        room = self.livekit.open.get(room_name)
        if room is None:
            return
        for identity in [*room.people]:
            self.leaves(identity, room_name, "ROOM_CLOSED")
        self._tell(EventKind.ROOM_FINISHED, room_name)
        self.livekit.closes(room_name)

    def _tell(
        self,
        kind: EventKind,
        room_name: str,
        who: Participant | None = None,
        reason: str | None = None,
    ) -> None:
        sid = self.livekit.opens(room_name).sid
        self.emits(kind, room_name, sid, self.clock.now(), who, reason)

    def emits(  # noqa: PLR0917 - what an event is made of
        self,
        kind: EventKind,
        room_name: str,
        sid: str,
        at: datetime,
        who: Participant | None = None,
        reason: str | None = None,
    ) -> None:
        """LiveKit sends an event of this room instance."""
        event = RoomEvent(
            kind=kind,
            room=Room(room_name, sid),
            at=at,
            participant=who,
            disconnect_reason=reason,
        )
        number = len(self.reader.events)
        self.reader.events.append(event)
        self.told.append(
            WebhookEvent(f"EV_{number}", kind.value, room_name, sid, str(number).encode())
        )

    # What the service hears of it and does

    async def hears(self, *events: WebhookEvent) -> None:
        """Events come in."""
        now = self.clock.now()
        for event in events:
            await self.inbox.add(InboxEntry(event=event, received_at=now, due_at=now))

    async def hears_all(self) -> None:
        """Every event comes in that has not, and is handled."""
        await self.hears(*self.told)
        await self.works_off()

    async def serves(self, caller: str = CALLER, room_name: str = ROOM) -> None:
        """A caller joins, then an agent, and it hears of both."""
        self.joins(caller, room_name)
        await self.hears_all()
        self.agents_join(room_name)
        await self.hears_all()

    async def works_off(self) -> None:
        """Handle what is due until nothing is."""
        holder = self.ids.claim_holder()
        while True:
            now = self.clock.now()
            entries = await self.inbox.claim(holder, now, now + INBOX_LEASE, 32)
            for entry in entries:
                await self.process_entry(entry, holder)
            if not entries:
                return

    async def watches(self) -> None:
        """Every room of an unanswered call is looked at whose look is due."""
        while (watched := self.unanswered.due()) is not None:
            failed = True
            try:
                await self.watch_answers.look(watched)
                failed = False
            finally:
                self.unanswered.looked(watched, failed=failed)

    async def looks(self) -> Reconciliation:
        """The reconciler runs once."""
        return await self.reconcile()

    async def looks_twice(self) -> Reconciliation:
        """The reconciler runs, and again an interval later; what it did the second time."""
        await self.reconcile()
        self.clock.advance(INTERVAL)
        return await self.reconcile()

    async def goes_on(self, cycles: int = 1) -> list[Reconciliation]:
        """So many intervals pass, each with its look; events are handled when they are due."""
        done = []
        for _ in range(cycles):
            self.clock.advance(INTERVAL)
            await self.works_off()
            done.append(await self.looks())
        return done

    def agents(self, room_name: str = ROOM) -> list[str]:
        """The identities of the agents in the room."""
        room = self.livekit.open.get(room_name)
        people = room.people.values() if room else ()
        return [one.identity for one in people if one.kind is ParticipantKind.AGENT]

    async def settles(self) -> None:
        """Time passes until every lease and grace is over, and work goes on meanwhile."""
        for _ in range(4):
            self.clock.advance(LEASE + timedelta(seconds=1))
            await self.works_off()
            await self.looks()
            for room_name in [*self.livekit.open]:
                self.agents_join(room_name)

    # What is there

    def call(self, leg: SipLeg) -> Call:
        """The call of this stay, as the ledger has it."""
        (call,) = [call for call in self.storage.calls if call.leg == leg]
        return call

    def known(self, leg: SipLeg) -> bool:
        """Whether the ledger has heard of this stay."""
        return any(call.leg == leg for call in self.storage.calls)

    def is_there(self, leg: SipLeg) -> bool:
        """Whether this stay goes on."""
        room = self.livekit.open.get(leg.room_name)
        return room is not None and any(who.leg == leg for who in room.people.values())

    def status(self, leg: SipLeg) -> LegStatus | None:
        """What a stay that goes on says of itself."""
        people = self.livekit.open[leg.room_name].people
        return people[leg.participant_identity].leg_status


def room_of(leg: SipLeg) -> RoomName:
    return RoomName(leg.room_name)


def whats(call: Call) -> Sequence[tuple[str, str]]:
    """What the timeline says, and who told."""
    return [(entry.what, str(entry.source)) for entry in call.timeline]
