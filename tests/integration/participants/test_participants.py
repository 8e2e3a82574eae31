"""GET /sessions/{sessionId}/participants and /telephony/calls/{callId}/participants."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.http.webhooks import event, eventually, send
from tests.simulator import SimulatorProcess


def started(http: httpx.Client, room: str) -> str:
    """Start a session in the room; return its path."""
    answer = http.post("/session", json={"userIdentity": "user-42", "roomName": room})
    assert answer.status_code == 200, answer.text
    return f"/sessions/{answer.json()['sessionId']}"


def listed(http: httpx.Client, path: str) -> dict[str, Any]:
    answer = http.get(f"{path}/participants")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def by_identity(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["identity"]: one for one in found["participants"]}


def joined(simulator: SimulatorProcess, room: str, identity: str) -> dict[str, Any]:
    """Let a user join; return the room's and the participant's part of its webhooks."""
    simulator.join(room, identity, kind="STANDARD")
    found = simulator.room(room)
    assert found is not None
    [one] = [one for one in found["participants"] if one["identity"] == identity]
    return {
        "room": {"name": room, "sid": found["sid"]},
        "participant": {
            "sid": one["sid"],
            "identity": identity,
            "name": "Ann",
            "joinedAt": "1795415257",
        },
    }


def test_who_is_and_was_in_a_session_s_room_is_listed(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    path = started(http, room)
    ann, ben = joined(simulator, room, "ann"), joined(simulator, room, "ben")
    for who in (ann, ben):
        assert send(http, event("participant_joined", **who)).status_code == 200
    simulator.leave(room, "ann")
    left = event("participant_left", **ann)
    assert send(http, left).status_code == 200

    found = eventually(lambda: listed(http, path), lambda found: len(found["participants"]) == 3)

    people = by_identity(found)
    assert (found["roomName"], found["gaps"]) == (room, [])
    assert found["listedAt"] is not None
    assert (people["ann"]["name"], people["ann"]["kind"]) == ("Ann", "standard")
    assert (people["ann"]["leftAtIs"], people["ann"]["leftAtSource"]) == ("exact", "webhook")
    assert (people["ben"]["leftAt"], people["ben"]["source"]) == (None, "webhook")
    [agent] = [one for one in people.values() if one["kind"] == "agent"]
    assert (agent["leftAt"], agent["joinedAtSource"]) == (None, "livekit")

    assert http.post("/session/end", json={"roomName": room}).status_code == 204
    ended = listed(http, path)
    assert ended["listedAt"] is None
    assert all(one["leftAt"] for one in ended["participants"])
    assert by_identity(ended)["ben"]["leftAtIs"] == "at_most"


def test_given_livekit_is_down_then_what_is_known_is_listed_with_the_gap(
    http: httpx.Client, simulator: SimulatorProcess, room: str
) -> None:
    path = started(http, room)
    send(http, event("participant_joined", **joined(simulator, room, "ann")))
    eventually(lambda: listed(http, path), lambda found: len(found["participants"]) == 2)
    simulator.fault("*", "error", status=503, times=50)

    found = listed(http, path)

    assert found["gaps"] == ["livekit_unreachable"]
    assert by_identity(found)["ann"]["leftAt"] is None


@pytest.mark.parametrize("path", ["/sessions/{}", "/telephony/calls/{}"])
def test_given_no_such_record_or_cursor_then_it_is_refused(http: httpx.Client, path: str) -> None:
    missing = http.get(f"{path.format('01890a5d-ac96-774b-bcce-b302099a8057')}/participants")
    malformed = http.get(f"{path.format('x')}/participants", params={"cursor": "x"})

    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (malformed.status_code, malformed.json()["field"]) == (400, "cursor")
