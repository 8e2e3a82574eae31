"""What a request costs, in numbers that repeat exactly: figures in seconds are for `make bench`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from adapters.livekit.tokens import TokenFactory
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, WORK, Access
from domain.inbox.entry import InboxStatus
from domain.rooms.token_options import TokenRequest
from domain.sessions.renew_token import RenewTokenCommand
from domain.sessions.start_session import StartedSession, StartSessionCommand
from entrypoints.container import Container, running
from entrypoints.settings import load_settings
from entrypoints.simulator.server import Simulator
from entrypoints.simulator.webhooks import signed_webhook
from tests.benchmarks.events import event_of_a_call
from tests.contract.storage.ledgers import note_statements
from tests.livekit_server import API_KEY, API_SECRET
from tests.webhook_command import webhook_command


@attrs.frozen
class Costs:
    """The service's use cases, and what they have cost since :meth:`forget`."""

    container: Container
    simulator: Simulator
    counts: Counter[str]

    def forget(self) -> None:
        self.counts.clear()
        self.simulator.requests.clear()

    async def seen(self) -> dict[str, int]:
        """With what is recorded after the answer."""
        await self.container.ledger().settled()
        asked = {f"LiveKit: {name}": times for name, times in self.simulator.requests.items()}
        return {**self.counts, **asked}

    async def start(self, room: str | None = None, access: Access = SYSTEM) -> StartedSession:
        command = StartSessionCommand("user-1", room, access=access)
        return await self.container.start_session()(command)

    async def webhook(self, kind: str) -> None:
        """One event of a call that nobody knows."""
        body, headers = signed_webhook(event_of_a_call(kind), API_KEY, API_SECRET)
        self.forget()
        command = webhook_command(body, headers["Authorization"])
        await self.container.receive_webhook()(command)


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name in ("sign", "body_digest"):
        method = getattr(TokenFactory, name)

        def counting(*arguments: Any, method: Any = method) -> Any:
            counts["signatures"] += 1
            return method(*arguments)

        monkeypatch.setattr(TokenFactory, name, counting)
    return counts


@pytest.fixture
async def costs(signatures: Counter[str], tmp_path: Path) -> AsyncIterator[Costs]:
    async with Simulator(API_KEY, API_SECRET) as simulator:
        environ = {
            "LIVEKIT_URL": simulator.url,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/ledger.db",
            "TELEPHONY_ENABLED": "true",
        }
        async with running(Container(settings=load_settings(environ, tmp_path))) as container:
            storage = container.storage()
            assert isinstance(storage, SqlStorage)
            note_statements(storage, lambda statement, _: count(statement, signatures))
            costs = Costs(container, simulator, signatures)
            await costs.start()  # the first one opens connections
            await costs.seen()
            costs.forget()
            yield costs


def count(statement: str, counts: Counter[str]) -> None:
    kind = statement.split(maxsplit=1)[0]
    # A transaction that only reads costs no commit; there is a COMMIT for each BEGIN.
    if statement != "BEGIN" and kind != "COMMIT":
        counts[kind] += 1


async def test_a_session_in_a_new_room(costs: Costs) -> None:
    await costs.start()

    assert await costs.seen() == {
        "BEGIN": 2, "INSERT": 2, "UPDATE": 1, "signatures": 2, "LiveKit: CreateDispatch": 1,
    }  # fmt: skip


async def test_a_session_that_waits_for_its_user_costs_one_commit_and_no_livekit(
    costs: Costs,
) -> None:
    command = StartSessionCommand("user-1", access=SYSTEM, dispatch="on_join")
    await costs.container.start_session()(command)

    assert await costs.seen() == {"BEGIN": 1, "INSERT": 2, "signatures": 1}


async def test_a_session_in_a_room_that_is_named(costs: Costs) -> None:
    await costs.start("room-1")

    assert await costs.seen() == {
        "SELECT": 1, "BEGIN": 2, "INSERT": 2, "UPDATE": 1, "signatures": 3,
        # whether others have an agent there
        "LiveKit: ListRooms": 1, "LiveKit: CreateDispatch": 1,
    }  # fmt: skip


async def test_a_session_with_a_saved_agent_costs_one_read_more(costs: Costs) -> None:
    agent = await costs.container.manage_agents().create({"name": "support"}, SYSTEM)
    costs.forget()
    command = StartSessionCommand("user-1", access=SYSTEM, agent=str(agent.id))
    await costs.container.start_session()(command)

    assert await costs.seen() == {
        "SELECT": 1, "BEGIN": 2, "INSERT": 2, "UPDATE": 1, "signatures": 2,
        "LiveKit: CreateDispatch": 1,
    }  # fmt: skip


async def test_a_tenant_s_session_in_a_room_that_is_named(costs: Costs) -> None:
    await costs.start("room-1", Access(tenant="ann", scopes=WORK, sees_unowned=False))

    assert await costs.seen() == {
        # the room's live session, and whose its newest is; the tenant's, before and after
        "SELECT": 4,
        "BEGIN": 2, "INSERT": 2, "UPDATE": 1, "signatures": 3,
        "LiveKit: ListRooms": 1, "LiveKit: CreateDispatch": 1,
    }  # fmt: skip


async def test_joining_a_session_whose_agent_is_there(costs: Costs) -> None:
    costs.simulator.workers["shreya-obnox"] = 0
    await costs.start("room-1")
    await costs.seen()
    await asyncio.sleep(0.05)
    await costs.start("room-1")  # sees the agent
    costs.forget()

    await costs.start("room-1")

    assert await costs.seen() == {
        "SELECT": 1, "signatures": 3, "LiveKit: ListRooms": 1, "LiveKit: ListParticipants": 1,
    }  # fmt: skip


async def test_a_token_s_options_cost_nothing(costs: Costs) -> None:
    token = TokenRequest(participant_name="Ann", participant_attributes={"plan": "pro"})
    command = StartSessionCommand("user-1", access=SYSTEM, token=token)

    await costs.container.start_session()(command)

    assert await costs.seen() == {
        "BEGIN": 2, "INSERT": 2, "UPDATE": 1, "signatures": 2, "LiveKit: CreateDispatch": 1,
    }  # fmt: skip


async def test_renewing_a_token_reads_the_ledger_once_and_asks_livekit_nothing(
    costs: Costs,
) -> None:
    started = await costs.start()
    await costs.seen()
    session = started.session
    for command in (
        RenewTokenCommand(session_id=str(session.id), access=SYSTEM),
        RenewTokenCommand(room_name=str(session.room_name), access=SYSTEM),
    ):
        costs.forget()

        await costs.container.renew_token()(command)

        assert await costs.seen() == {"SELECT": 1, "signatures": 1}


async def test_a_key_of_the_caller_s_costs_a_transaction_and_its_repetition_no_livekit(
    costs: Costs,
) -> None:
    once, command = (
        costs.container.start_session_once(),
        StartSessionCommand("user-1", access=SYSTEM),
    )
    await once("key-1", command, lambda started: str(started.session.id))

    assert await costs.seen() == {
        # what is known of the key; the room's live session, which another attempt may have begun
        "SELECT": 2,
        # the key; the session; its dispatch and the answer
        "BEGIN": 3, "INSERT": 3, "UPDATE": 2,
        "signatures": 3, "LiveKit: CreateDispatch": 1,
    }  # fmt: skip
    costs.forget()

    await once("key-1", command, lambda started: str(started.session.id))

    # what is known of the key; whether the session is still live
    assert await costs.seen() == {"SELECT": 2, "BEGIN": 1, "signatures": 1}


async def test_thirty_sessions_at_once_share_their_commits(costs: Costs) -> None:
    await asyncio.gather(*(costs.start() for _ in range(30)))

    seen = await costs.seen()
    assert (seen["signatures"], seen["LiveKit: CreateDispatch"]) == (60, 30)
    assert seen["BEGIN"] <= 10  # 60 by themselves


@pytest.mark.parametrize("kind", ["room_started", "participant_joined"])
async def test_a_webhook_is_verified_stored_and_nothing_else(costs: Costs, kind: str) -> None:
    await costs.webhook(kind)

    assert await costs.seen() == {"signatures": 1, "BEGIN": 1, "INSERT": 1}


async def test_a_webhook_of_which_the_ledger_learns_nothing_is_never_looked_at_again(
    costs: Costs,
) -> None:
    await costs.webhook("track_published")

    counts = await costs.container.inbox().counts()
    assert (counts[InboxStatus.HANDLED], counts[InboxStatus.PENDING]) == (1, 0)


async def test_a_caller_is_handled_and_served(costs: Costs) -> None:
    """From the lease to the agent: what is asked of the database and of LiveKit."""
    await costs.webhook("participant_joined")
    now = costs.container.clock().now()
    (entry,) = await costs.container.inbox().claim("me", now, now, 10)
    costs.forget()

    await costs.container.process_entry()(entry, "me")

    assert await costs.seen() == {
        # the participant's call; has the room finished; its newest session, for who is there, for
        # whose the call is and whose its first event; its live one; the number that was called
        "SELECT": 7,
        # the call; the session; its dispatch and the call's session; the entry; events of the call,
        # the session and the call's agent
        "BEGIN": 4, "INSERT": 6, "UPDATE": 3,
        # whether others have an agent there
        "signatures": 2, "LiveKit: ListRooms": 1, "LiveKit: CreateDispatch": 1,
    }  # fmt: skip


async def test_a_look_at_a_ringing_call_costs_a_request_and_its_answer_one_change(
    costs: Costs,
) -> None:
    ringing = {"sip.callStatus": "ringing", "sip.callID": "SCL_1"}
    world, room = costs.simulator.world, "call-1"
    world.join(room, "sip_1", kind=ParticipantInfo.Kind.SIP, attributes=ringing)
    await costs.container.reconcile()()
    await costs.seen()
    watch, calls = costs.container.watch_answers(), costs.container.unanswered_calls()
    watched = await calls.next()
    costs.forget()

    await watch.look(watched)

    assert await costs.seen() == {"signatures": 1, "LiveKit: ListParticipants": 1}
    world.set_attributes(room, "sip_1", {"sip.callStatus": "active"})
    costs.forget()

    await watch.look(watched)

    assert await costs.seen() == {
        "signatures": 1, "LiveKit: ListParticipants": 1,
        # the call; its change and the event
        "SELECT": 1, "BEGIN": 1, "INSERT": 1, "UPDATE": 1,
    }  # fmt: skip
    assert len(calls) == 1, "until the look is over"
    calls.looked(watched)
    assert len(calls) == 0


async def test_a_forged_webhook_costs_a_signature(costs: Costs) -> None:
    told = WebhookEvent(id="EV_1", event="room_started", created_at=int(time.time()))
    body, headers = signed_webhook(told, API_KEY, API_SECRET + "x")
    costs.forget()

    with pytest.raises(Exception, match="another secret"):
        await costs.container.receive_webhook()(webhook_command(body, headers["Authorization"]))

    assert await costs.seen() == {"signatures": 1}
