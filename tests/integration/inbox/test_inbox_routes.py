"""GET /inbox and POST /inbox/{eventId}/replay."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.http.webhooks import Caller, event, eventually, send
from tests.service import running
from tests.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def client(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of a service of its own, whose inbox has nothing of others."""
    environ = {**simulator_process.environ, "DATABASE_URL": "memory://"}
    folder = tmp_path_factory.mktemp("inbox")
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        yield client


def listed(client: httpx.Client, **query: str) -> list[str]:
    """Return the ids of events, the newest first, of all pages of two."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = client.get("/inbox", params={**query, "limit": "2", "cursor": cursor})
        assert answer.status_code == 200, answer.text
        found += [one["eventId"] for one in answer.json()["events"]]
        if (cursor := answer.json()["nextCursor"]) is None:
            return found


def test_what_came_in_and_how_it_was_processed_is_shown(client: httpx.Client, room: str) -> None:
    caller = Caller(room=room, room_sid="RM_1")
    bodies = [caller.joined(), caller.left(), event("room_finished", "EV_ü 1", room={"name": room})]
    for body in bodies:
        assert send(client, body).status_code == 200

    def handled() -> list[str]:
        return listed(client, roomName=room, status="handled")

    assert len(eventually(handled, lambda ids: len(ids) == len(bodies))) == len(bodies)
    first = listed(client, roomName=room)[0]
    shown = client.get(f"/inbox/{first}").json()

    assert first == "EV_ü 1"
    assert shown["body"].encode() == bodies[-1]
    assert (shown["kind"], shown["roomName"], shown["roomSid"]) == ("room_finished", room, None)
    assert (shown["status"], shown["failures"], shown["nextAttemptAt"]) == ("handled", 0, None)
    assert shown["handledAt"] >= shown["receivedAt"]
    assert len(listed(client, roomName=room, roomSid="RM_1")) == 2
    assert set(listed(client)) >= set(listed(client, roomName=room))


def test_an_event_is_processed_again(client: httpx.Client, room: str) -> None:
    body = event("room_finished", room={"name": room, "sid": "RM_2"})
    send(client, body)
    [event_id] = eventually(lambda: listed(client, roomName=room, status="handled"), bool)
    before = client.get(f"/inbox/{event_id}").json()["handledAt"]

    answer = client.post(f"/inbox/{event_id}/replay")

    assert (answer.status_code, answer.json()["eventId"]) == (202, event_id)
    assert "body" not in answer.json()
    eventually(
        lambda: client.get(f"/inbox/{event_id}").json(),
        lambda shown: shown["status"] == "handled" and shown["handledAt"] > before,
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [({"status": "lost"}, "status"), ({"cursor": "x"}, "cursor"), ({"roomSid": "\0"}, "roomSid")],
)
def test_a_filter_that_is_none_is_refused(
    client: httpx.Client, query: dict[str, str], field: str
) -> None:
    answer = client.get("/inbox", params=query)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_event_is_not_found(client: httpx.Client, method: str) -> None:
    path = "/inbox/EV_unknown" + ("/replay" if method == "POST" else "")

    answer = client.request(method, path)

    assert (answer.status_code, answer.json()["field"]) == (404, "eventId")
