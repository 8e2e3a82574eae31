"""A phone rings: LiveKit's webhooks become a call with one agent, which can be read back."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import attrs
import httpx
import pytest

from domain.agents.agent_config import PHONE_GREETING
from tests.databases import sqlite_in
from tests.integration.http.webhooks import PATH, Caller, eventually, inbox, send
from tests.livekit_server import free_port
from tests.service import running, start
from tests.simulator import SimulatorProcess, running_simulator

INBOUND: Final = {
    "sip.phoneNumber": "+1 (510) 555-0100",
    "sip.trunkPhoneNumber": "+43 1 5880100",
    "sip.trunkID": "ST_1",
    "sip.ruleID": "SDR_1",
    "sip.callID": "SCL_1",
    "sip.callStatus": "active",
    "sip.callIDFull": "8c6f@203.0.113.7",
    "sip.twilio.callSid": "CA0123456789",
}
LATER: Final = ("sip.callIDFull", "sip.twilio.callSid")
"""What livekit/sip sets of a call that it places once it is answered."""
OUTBOUND: Final = {
    key: value for key, value in INBOUND.items() if key not in ("sip.ruleID", *LATER)
}
IDENTITY: Final = "sip_+15105550100"
RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

Answer = dict[str, Any]


@attrs.frozen
class Telephony:
    """A service that hears of what happens at a simulator."""

    simulator: SimulatorProcess
    client: httpx.Client

    def call(self, room: str, holds: Callable[[Answer], object] = bool) -> Answer:
        """The room's newest call once it ``holds``."""
        path = f"/telephony/calls/by-room/{quote(room, safe='')}"

        def look() -> Answer:
            answer = self.client.get(path)
            return dict(answer.json()) if answer.status_code == 200 else {}

        return eventually(look, lambda call: call and holds(call))

    def served(self, room: str) -> Answer:
        """The room's newest call once it has its agent."""
        return self.call(room, lambda call: call["agentDispatched"])


@contextmanager
def telephony_on(
    simulator: SimulatorProcess, port: int, folder: Path, **environ: str
) -> Iterator[Telephony]:
    """A service at ``port``, without the reconciler: what it knows, webhooks have told."""
    settings = {
        **simulator.environ,
        "PORT": str(port),
        "TELEPHONY_ENABLED": "true",
        "DATABASE_URL": sqlite_in(folder),
        "RECONCILE_INTERVAL_SECONDS": "86400",
        **environ,
    }
    with running(settings, folder) as service, httpx.Client(base_url=service.url) as client:
        yield Telephony(simulator, client)


@contextmanager
def telling_simulator(port: int) -> Iterator[SimulatorProcess]:
    """A simulator that tells ``port`` what happens, with a worker for the default agent."""
    with running_simulator([f"http://127.0.0.1:{port}{PATH}"]) as simulator:
        simulator.register_worker("shreya-obnox")
        yield simulator


@pytest.fixture(scope="module")
def telephony(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telephony]:
    port = free_port()
    folder = tmp_path_factory.mktemp("telephony")
    with telling_simulator(port) as simulator, telephony_on(simulator, port, folder) as telephony:
        yield telephony


@pytest.fixture
def phone_room() -> str:
    """A room as a dispatch rule of LiveKit's names it, which no other test uses."""
    return f"call-_+15105550100_{uuid.uuid4()}"


def times(call: Answer) -> list[datetime]:
    return [datetime.fromisoformat(entry["at"]) for entry in call["timeline"]]


def test_an_incoming_call_is_read_with_everything_that_livekit_told(
    telephony: Telephony, phone_room: str
) -> None:
    telephony.simulator.join(phone_room, IDENTITY, attributes=INBOUND)

    call = telephony.served(phone_room)

    room = telephony.simulator.room(phone_room)
    assert room is not None
    session = telephony.client.get(f"/sessions/{call['sessionId']}").json()
    assert call == {
        "callId": call["callId"],
        "sessionId": session["sessionId"],
        "roomName": phone_room,
        "roomSid": room["sid"],
        "direction": "inbound",
        "directionIs": "reported",
        "from": "+15105550100",
        "to": "+4315880100",
        "trunkId": "ST_1",
        "dispatchRuleId": "SDR_1",
        "sipCallId": "SCL_1",
        "sipCallIdFull": "8c6f@203.0.113.7",
        "sipStatusCode": None,
        "carrierCallId": "CA0123456789",
        "participantIdentity": IDENTITY,
        "status": "active",
        "agentDispatched": True,
        "createdAt": call["createdAt"],
        "answeredAt": call["createdAt"],
        "answeredAtIs": "exact",
        "endedAt": None,
        "durationSeconds": None,
        "durationIs": None,
        "disconnectReason": None,
        "timeline": call["timeline"],
    }
    assert uuid.UUID(call["callId"]).version == 7
    assert (session["callId"], session["userIdentity"]) == (call["callId"], IDENTITY)
    assert (session["roomName"], session["agentDispatched"]) == (phone_room, True)
    assert all(RFC3339.fullmatch(call[time]) for time in ("createdAt", "answeredAt"))


def test_an_outgoing_call_is_from_us_to_them(telephony: Telephony, room: str) -> None:
    attributes = {**OUTBOUND, "sip.callStatus": "dialing"}
    telephony.simulator.join(room, IDENTITY, attributes=attributes)

    call = telephony.served(room)

    assert call["direction"] == "outbound"
    assert (call["from"], call["to"]) == ("+4315880100", "+15105550100")
    assert (call["status"], call["answeredAt"]) == ("created", None)


def test_the_agent_is_told_which_call_it_is_in(telephony: Telephony, phone_room: str) -> None:
    telephony.simulator.join(phone_room, IDENTITY, attributes=INBOUND)

    call = telephony.served(phone_room)

    [dispatch] = telephony.simulator.dispatches(phone_room)
    told = json.loads(dispatch["metadata"])
    assert {key: told[key] for key in ("session_id", "call_id")} == {
        "session_id": call["sessionId"],
        "call_id": call["callId"],
    }
    assert (told["caller_number"], told["called_number"]) == ("+15105550100", "+4315880100")
    assert told["direction"] == "inbound"
    assert told["noise_cancellation_type"] == "telephony"
    assert told["greeting"] == PHONE_GREETING
    assert told["stt"] == "assemblyai/universal-streaming:en"


def test_a_hidden_number_is_left_out(telephony: Telephony, room: str) -> None:
    attributes = {key: value for key, value in INBOUND.items() if key != "sip.phoneNumber"}
    telephony.simulator.join(room, "sip_anonymous", attributes=attributes)

    call = telephony.served(room)

    [dispatch] = telephony.simulator.dispatches(room)
    assert (call["from"], call["to"]) == (None, "+4315880100")
    assert "caller_number" not in json.loads(dispatch["metadata"])


def test_a_call_by_an_inline_trunk_is_outgoing_and_learns_its_ids_when_it_is_answered(
    telephony: Telephony, room: str
) -> None:
    placed = {**OUTBOUND, "sip.trunkID": "", "sip.callStatus": "dialing"}
    telephony.simulator.join(room, IDENTITY, attributes=placed)
    call = telephony.served(room)
    assert (call["direction"], call["trunkId"], call["sipCallIdFull"]) == ("outbound", None, None)

    answered = {key: INBOUND[key] for key in LATER}
    telephony.simulator.set_attributes(room, IDENTITY, answered | {"sip.callStatus": "hangup"})
    telephony.simulator.leave(room, IDENTITY)

    call = telephony.call(room, lambda call: call["status"] == "ended")
    assert (call["sipCallIdFull"], call["carrierCallId"]) == ("8c6f@203.0.113.7", "CA0123456789")
    assert (call["answeredAtIs"], call["durationIs"]) == ("at_most", "at_most")
    assert call["answeredAt"] == call["endedAt"]


def test_a_placed_call_that_was_hung_up_between_two_looks_may_have_been_answered(
    telephony: Telephony, room: str
) -> None:
    telephony.simulator.join(room, IDENTITY, attributes={**OUTBOUND, "sip.callStatus": "ringing"})
    telephony.served(room)
    telephony.simulator.set_attributes(room, IDENTITY, {"sip.callStatus": "hangup"})
    telephony.simulator.leave(room, IDENTITY)

    call = telephony.call(room, lambda call: call["status"] == "ended")

    assert (call["answeredAt"], call["answeredAtIs"]) == (None, "unknown")
    assert (call["durationSeconds"], call["durationIs"]) == (None, "unknown")


def test_a_call_is_seen_to_ring_and_to_be_answered_though_no_webhook_says_so(
    telephony: Telephony, room: str
) -> None:
    telephony.simulator.join(room, IDENTITY, attributes={**OUTBOUND, "sip.callStatus": "dialing"})
    assert telephony.served(room)["status"] == "created"

    telephony.simulator.set_attributes(room, IDENTITY, {"sip.callStatus": "ringing"})
    telephony.call(room, lambda call: call["status"] == "ringing")
    telephony.simulator.set_attributes(room, IDENTITY, {"sip.callStatus": "active"})
    call = telephony.call(room, lambda call: call["status"] == "active")

    found = {entry["what"]: entry["source"] for entry in call["timeline"]}
    assert (found["ringing"], found["active"]) == ("reconciler", "reconciler")
    assert call["answeredAtIs"] == "at_most"
    events = telephony.client.get(f"/telephony/calls/{call['callId']}/events").json()["events"]
    assert {"call.ringing", "call.answered"} <= {event["type"] for event in events}


def test_a_call_by_a_connector_gets_an_agent_and_says_that_its_direction_is_assumed(
    telephony: Telephony, room: str
) -> None:
    telephony.simulator.join(room, "whatsapp_1", kind="CONNECTOR")

    call = telephony.served(room)

    assert (call["direction"], call["directionIs"]) == ("inbound", "assumed")
    assert (call["from"], call["status"]) == (None, "active")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Anonymous", "anonymous"),
        ("+266696687", "anonymous"),
        ("sip:+15105550177@203.0.113.7", "+15105550177"),
        ("0015105550177", "+15105550177"),
        ("+15105550177;ext=7", "+15105550177"),
        ("0568566878", "0568566878"),
    ],
)
def test_a_call_is_found_by_its_number_as_the_carrier_sent_it(
    telephony: Telephony, room: str, sent: str, shown: str
) -> None:
    attributes = {**INBOUND, "sip.phoneNumber": sent}
    telephony.simulator.join(room, IDENTITY, attributes=attributes)
    assert telephony.served(room)["from"] == shown

    for number in (sent, shown):
        parameters = {"from": number, "roomName": room}
        found = telephony.client.get("/telephony/calls", params=parameters).json()["calls"]
        assert [call["from"] for call in found] == [shown]


def test_a_hang_up_ends_the_call(telephony: Telephony, phone_room: str) -> None:
    telephony.simulator.join(phone_room, IDENTITY, attributes=INBOUND)
    telephony.served(phone_room)

    telephony.simulator.leave(phone_room, IDENTITY)

    call = telephony.call(phone_room, lambda call: call["status"] == "ended")
    answered, ended = (datetime.fromisoformat(call[key]) for key in ("answeredAt", "endedAt"))
    assert call["durationSeconds"] == (ended - answered).total_seconds() >= 0
    assert (call["answeredAtIs"], call["durationIs"]) == ("exact", "exact")
    assert call["disconnectReason"] == "CLIENT_INITIATED"
    assert {entry["what"]: entry["source"] for entry in call["timeline"]} == {
        "joined": "webhook", "active": "webhook", "routed": "api", "agent_dispatched": "api",
        "left": "webhook",
    }  # fmt: skip
    assert times(call) == sorted(times(call))
    assert call["timeline"][0]["at"] == call["createdAt"]
    assert call["timeline"][-1] == {"at": call["endedAt"], "what": "left", "source": "webhook"}
    assert call["agentDispatched"] is True


def test_a_call_is_read_by_its_id_and_by_its_room(telephony: Telephony, phone_room: str) -> None:
    telephony.simulator.join(phone_room, IDENTITY, attributes=INBOUND)
    call = telephony.served(phone_room)

    by_id = telephony.client.get(f"/telephony/calls/{call['callId']}")
    plain = telephony.client.get(f"/telephony/calls/by-room/{phone_room}")
    encoded = telephony.client.get(f"/telephony/calls/by-room/{quote(phone_room)}")

    assert "%2B" in str(encoded.request.url)
    assert "+" in str(plain.request.url)
    assert [answer.json() for answer in (by_id, plain, encoded)] == [call] * 3


def test_a_room_that_is_used_again_shows_its_newest_call(telephony: Telephony, room: str) -> None:
    telephony.simulator.join(room, IDENTITY, attributes=INBOUND)
    first = telephony.served(room)
    telephony.simulator.close_room(room)
    telephony.call(room, lambda call: call["status"] == "ended")
    telephony.simulator.join(room, IDENTITY, attributes=INBOUND)

    second = telephony.call(room, lambda call: call["callId"] != first["callId"])

    assert second["roomSid"] != first["roomSid"]
    kept = telephony.client.get(f"/telephony/calls/{first['callId']}").json()
    assert (kept["roomSid"], kept["status"]) == (first["roomSid"], "ended")


@pytest.mark.parametrize(
    "path",
    [
        "nonsense",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "by-room/nobody-was-here",
        "by-room/%00%ff",
        "by-room/" + "r" * 5000,
    ],
)
def test_an_unknown_call_is_404(telephony: Telephony, path: str) -> None:
    answer = telephony.client.get(f"/telephony/calls/{path}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_ending_a_callers_room_hangs_up(telephony: Telephony, phone_room: str) -> None:
    telephony.simulator.join(phone_room, IDENTITY, attributes=INBOUND)
    session_id = telephony.served(phone_room)["sessionId"]

    answer = telephony.client.post("/session/end", json={"roomName": phone_room})

    assert answer.status_code == 204
    assert telephony.simulator.room(phone_room) is None
    session = telephony.client.get(f"/sessions/{session_id}").json()
    assert (session["status"], session["endReason"]) == ("ended", "ended_by_caller")
    call = telephony.call(phone_room, lambda call: call["status"] == "ended")
    assert call["disconnectReason"] == "ROOM_DELETED"


def test_somebody_who_joins_a_caller_gets_the_callers_session(
    telephony: Telephony, room: str
) -> None:
    telephony.simulator.join(room, IDENTITY, attributes=INBOUND)
    call = telephony.served(room)

    joined = telephony.client.post("/session", json={"userIdentity": "ann", "roomName": room})

    assert joined.json()["sessionId"] == call["sessionId"]
    assert len(telephony.simulator.dispatches(room)) == 1


def test_a_caller_who_joins_a_session_gets_its_agent(telephony: Telephony, room: str) -> None:
    started = telephony.client.post("/session", json={"userIdentity": "ann", "roomName": room})
    telephony.simulator.join(room, IDENTITY, attributes=INBOUND)

    call = telephony.served(room)

    assert call["sessionId"] == started.json()["sessionId"]
    assert len(telephony.simulator.dispatches(room)) == 1


@pytest.mark.slow
def test_given_other_rules_then_they_tell_who_is_a_caller_and_who_gets_an_agent(
    tmp_path: Path, room: str
) -> None:
    port = free_port()
    rules = {
        "TELEPHONY_SIP_IDENTITY_PREFIX": "tel-",
        "TELEPHONY_DISPATCH_ON_ANY_PARTICIPANT_JOIN": "true",
    }
    with (
        telling_simulator(port) as simulator,
        telephony_on(simulator, port, tmp_path, **rules) as telephony,
    ):
        simulator.join(room, "tel-1", kind="STANDARD", attributes=INBOUND)
        caller = telephony.served(room)
        simulator.join(f"{room}-2", IDENTITY, kind="STANDARD", attributes=INBOUND)
        eventually(lambda: simulator.dispatches(f"{room}-2"), bool)
        nobody = telephony.client.get(f"/telephony/calls/by-room/{room}-2")

    assert caller["participantIdentity"] == "tel-1"
    assert nobody.status_code == 404


@pytest.mark.slow
def test_given_a_restart_then_calls_are_what_they_were(tmp_path: Path, phone_room: str) -> None:
    port = free_port()
    with telling_simulator(port) as simulator:
        with telephony_on(simulator, port, tmp_path) as telephony:
            simulator.join(phone_room, IDENTITY, attributes=INBOUND)
            before = telephony.served(phone_room)
        with telephony_on(simulator, port, tmp_path) as telephony:
            after = telephony.call(phone_room)
            simulator.leave(phone_room, IDENTITY)
            ended = telephony.call(phone_room, lambda call: call["status"] == "ended")

    assert after == before
    assert ended["callId"] == before["callId"]


@pytest.mark.slow
def test_given_kill_9_after_the_acknowledgement_then_the_event_is_handled_after_the_restart(
    simulator: SimulatorProcess, tmp_path: Path, phone_room: str
) -> None:
    simulator.join(phone_room, IDENTITY, attributes=INBOUND)
    room = simulator.room(phone_room)
    assert room is not None
    [participant] = room["participants"]
    caller = Caller(room=phone_room, room_sid=room["sid"], sid=participant["sid"])
    database = tmp_path / "ledger.db"
    environ = {
        **simulator.environ,
        "TELEPHONY_ENABLED": "true",
        "DATABASE_URL": sqlite_in(tmp_path),
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    # Without LiveKit it can store an event, and no more.
    first = start({**environ, "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}"}, tmp_path)
    with httpx.Client(base_url=first.url) as client:
        acknowledged = send(client, caller.joined())
        first.kill()
    [left_behind] = inbox(database).values()

    with running(environ, tmp_path) as second, httpx.Client(base_url=second.url) as client:
        call = Telephony(simulator, client).served(phone_room)
        [handled] = eventually(
            lambda: [row.status for row in inbox(database).values()],
            lambda statuses: statuses == ["handled"],
        )

    assert acknowledged.status_code == 200
    assert left_behind.status == "pending"
    assert handled == "handled"
    assert call["roomSid"] == room["sid"]
    assert len(simulator.dispatches(phone_room)) == 1
