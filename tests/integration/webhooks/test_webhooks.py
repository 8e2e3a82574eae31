"""/webhooks and /deliveries over HTTP, with receivers on real sockets."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from typing import Any, Final

import attrs
import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.databases import sqlite_in
from tests.integration.http.webhooks import eventually
from tests.receivers import Receivers, running_receivers
from tests.service import running
from tests.simulator import SimulatorProcess

PATHS: Final = itertools.count(1)
NOWHERE: Final = "01890a5d-ac96-774b-bcce-b302099a8057"


@attrs.frozen
class Hooked:
    """A service that may reach private addresses, and receivers."""

    client: httpx.Client
    receivers: Receivers

    def webhook(self, behaviour: int | str = 204, **fields: Any) -> tuple[dict[str, Any], str]:
        """Return a new webhook, and its path at the receivers."""
        path = f"/{next(PATHS)}?token=secret"
        self.receivers.behaviours[path] = behaviour
        body = {"url": f"{self.receivers.url}{path}", "events": ["*"], **fields}
        answer = self.client.post("/webhooks", json=body)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown, path

    def session(self) -> str:
        body = {"userIdentity": "ann", "roomName": f"room-{uuid.uuid4()}"}
        answer = self.client.post("/session", json=body)
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["sessionId"]
        return session_id

    def deliveries(self, webhook: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"/webhooks/{webhook['webhookId']}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        deliveries: list[dict[str, Any]] = answer.json()["deliveries"]
        return deliveries


@pytest.fixture(scope="module")
def hooked(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hooked]:
    folder = tmp_path_factory.mktemp("hooked")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
        "WEBHOOK_ALLOW_PRIVATE": "true",
    }
    simulator_process.register_worker("shreya-obnox")
    with (
        running_receivers() as receivers,
        running(environ, folder) as service,
        httpx.Client(base_url=service.url, timeout=30) as client,
    ):
        yield Hooked(client, receivers)
        assert "token=secret" not in service.output()
        assert "whsec_" not in service.output()


def test_events_are_delivered_with_signatures_that_the_library_verifies(hooked: Hooked) -> None:
    webhook, path = hooked.webhook()
    session_id = hooked.session()

    received = eventually(lambda: hooked.receivers.of(path), bool)[0]

    Verifier(webhook["secret"]).verify(received.body, received.headers)
    event = received.event
    assert (event["type"], event["sessionId"]) == ("session.created", session_id)
    assert event["data"]["sessionId"] == session_id
    assert received.headers["webhook-id"] == event["id"]
    delivery = eventually(lambda: hooked.deliveries(webhook, status="succeeded"), bool)[-1]
    assert (delivery["event"], delivery["eventId"]) == ("session.created", event["id"])
    assert [attempt["statusCode"] for attempt in delivery["attempts"]] == [204]


def test_only_kinds_that_are_wanted_and_what_happens_afterwards_is_delivered(
    hooked: Hooked,
) -> None:
    hooked.session()
    _, all_path = hooked.webhook()
    _, path = hooked.webhook(events=["session.ended", "session.created"])
    _, other = hooked.webhook(events=["call.ended"])
    session_id = hooked.session()

    events = eventually(lambda: hooked.receivers.events(path), bool)
    eventually(lambda: hooked.receivers.events(all_path), bool)

    assert [event["sessionId"] for event in events] == [session_id]
    assert hooked.receivers.of(other) == []


def test_a_secret_is_shown_once_and_both_sign_after_a_rotation(hooked: Hooked) -> None:
    webhook, path = hooked.webhook()
    url = f"/webhooks/{webhook['webhookId']}"

    rotated = hooked.client.post(f"{url}/rotate-secret").json()
    shown = hooked.client.get(url).json()
    tested = hooked.client.post(f"{url}/test")

    assert "secret" not in shown
    assert shown["previousSecretUntil"] == rotated["previousSecretUntil"] is not None
    assert webhook["secret"] != rotated["secret"]
    assert (tested.status_code, tested.json()["delivered"]) == (200, True)
    (received,) = hooked.receivers.of(path)
    assert received.event["type"] == "webhook.test"
    for secret in (webhook["secret"], rotated["secret"]):
        Verifier(secret).verify(received.body, received.headers)
    assert hooked.deliveries(webhook) == []


@pytest.mark.parametrize(
    ("behaviour", "status", "error"),
    [
        (500, 500, "The receiver answered with the status 500."),
        ("redirects", 307, "The receiver answered with a redirect (307), which is not followed."),
        ("closes", None, "The receiver broke the connection."),
        ("answers without end", 200, None),
    ],
)
def test_a_test_says_what_the_receiver_answered(
    hooked: Hooked, behaviour: int | str, status: int | None, error: str | None
) -> None:
    webhook, _ = hooked.webhook(behaviour)

    answer = hooked.client.post(f"/webhooks/{webhook['webhookId']}/test").json()

    assert (answer["statusCode"], answer["error"]) == (status, error)
    assert answer["delivered"] == (status == 200)


def test_a_failed_attempt_is_shown_and_redelivery_needs_no_wait(hooked: Hooked) -> None:
    webhook, path = hooked.webhook(503)
    hooked.session()

    pending = eventually(
        lambda: hooked.deliveries(webhook, status="pending"),
        lambda found: found and found[-1]["attempts"],
    )[-1]
    assert pending["attempts"][0]["statusCode"] == 503
    assert pending["nextAttemptAt"] > pending["attempts"][0]["at"]
    hooked.receivers.behaviours[path] = 204
    answer = hooked.client.post(f"/deliveries/{pending['deliveryId']}/redeliver")

    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    done = eventually(lambda: hooked.deliveries(webhook, status="succeeded"), bool)
    assert pending["deliveryId"] in {each["deliveryId"] for each in done}
    first, *_, last = hooked.receivers.of(path)
    assert first.body == last.body


def test_a_receiver_that_is_gone_is_disabled_and_can_be_resumed(hooked: Hooked) -> None:
    _, watching = hooked.webhook(events=["webhook.disabled"])
    webhook, path = hooked.webhook()
    hooked.receivers.behaviours[path] = 410
    url = f"/webhooks/{webhook['webhookId']}"
    hooked.session()

    shown = eventually(
        lambda: hooked.client.get(url).json(), lambda shown: shown["status"] == "disabled"
    )
    assert shown["disabledReason"] == "gone"
    assert shown["disabledAt"] is not None
    (event,) = eventually(lambda: hooked.receivers.events(watching), bool)
    assert event["data"]["webhookId"] == webhook["webhookId"]
    assert "url" not in event["data"]

    hooked.receivers.behaviours[path] = 204
    resumed = hooked.client.patch(url, json={"status": "enabled"}).json()
    assert (resumed["status"], resumed["disabledAt"]) == ("enabled", None)
    for each in hooked.deliveries(webhook, status="failed"):
        hooked.client.post(f"/deliveries/{each['deliveryId']}/redeliver")
    eventually(lambda: hooked.deliveries(webhook, status="failed"), lambda found: not found)


def test_a_changed_webhook_and_a_deleted_one(hooked: Hooked) -> None:
    webhook, path = hooked.webhook(description="old")
    url = f"/webhooks/{webhook['webhookId']}"

    changed = hooked.client.patch(url, json={"events": ["call.ended"], "description": None}).json()
    paused = hooked.client.patch(url, json={"status": "disabled"}).json()

    assert (changed["events"], changed["description"]) == (["call.ended"], None)
    assert (paused["status"], paused["disabledReason"]) == ("disabled", "request")
    assert hooked.client.delete(url).status_code == 204
    gone = [
        hooked.client.get(url),
        hooked.client.delete(url),
        hooked.client.patch(url, json={"events": ["*"]}),
        hooked.client.get(f"{url}/deliveries"),
        hooked.client.post(f"{url}/test"),
        hooked.client.post(f"{url}/rotate-secret"),
        hooked.client.post(f"/deliveries/{NOWHERE}/redeliver"),
        hooked.client.post("/deliveries/none/redeliver"),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in gone} == {(404, "not_found")}
    assert hooked.receivers.of(path) == []


def test_the_same_request_makes_one_webhook(hooked: Hooked) -> None:
    body = {"url": f"{hooked.receivers.url}/once", "events": ["*"]}
    headers = {"Idempotency-Key": str(uuid.uuid4())}

    first, second = [hooked.client.post("/webhooks", json=body, headers=headers) for _ in "12"]
    other = hooked.client.post(
        "/webhooks", json={**body, "events": ["call.ended"]}, headers=headers
    )

    assert first.json() == second.json()
    assert "idempotency-replayed" in second.headers
    assert other.status_code == 422
    hooked.client.delete(f"/webhooks/{first.json()['webhookId']}")


def test_lists_are_paged(hooked: Hooked) -> None:
    made = [hooked.webhook(events=["call.ended"])[0]["webhookId"] for _ in range(3)]

    first = hooked.client.get("/webhooks", params={"limit": 2}).json()
    second = hooked.client.get(
        "/webhooks", params={"limit": 1, "cursor": first["nextCursor"]}
    ).json()

    shown = [each["webhookId"] for each in first["webhooks"] + second["webhooks"]]
    assert shown == made[::-1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://ann:secret@example.com/"}, "url"),
        ({"url": f"https://example.com/{'x' * 2048}"}, "url"),
        ({"url": None}, "url"),
        ({"url": 1}, "url"),
        ({"events": []}, "events"),
        ({"events": "call.ended"}, "events"),
        ({"events": ["call.ended", "*"]}, "events"),
        ({"events": ["call.begun"]}, "events"),
        ({"events": ["webhook.test"]}, "events"),
        ({"events": [1]}, "events"),
        ({"events": [{}]}, "events"),
        ({"events": ["\0"]}, "events"),
        ({"description": "x" * 501}, "description"),
        ({"description": "\0"}, "description"),
        ({"description": 1}, "description"),
        ({"secret": "whsec_x"}, "secret"),
    ],
)
def test_what_is_wrong_is_named(hooked: Hooked, body: dict[str, Any], field: str) -> None:
    webhook, _ = hooked.webhook(events=["call.ended"])
    whole = {"url": "https://example.com/", "events": ["*"]} | body

    for answer in (
        hooked.client.post("/webhooks", json=whole),
        hooked.client.patch(f"/webhooks/{webhook['webhookId']}", json=body),
    ):
        assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    if isinstance(body.get("events"), list):
        assert "call.ended" in answer.json()["error"]


def test_of_no_url_and_no_events_the_url_is_asked_for(hooked: Hooked) -> None:
    answer = hooked.client.post("/webhooks", json={})

    assert (answer.status_code, answer.json()["field"]) == (400, "url")


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/",
            "https://169.254.169.254/latest", "https://10.0.0.1/"],
)  # fmt: skip
def test_without_the_switch_private_addresses_and_http_are_refused(
    http: httpx.Client, url: str
) -> None:
    answer = http.post("/webhooks", json={"url": url, "events": ["*"]})

    assert (answer.status_code, answer.json()["field"]) == (400, "url")


def test_a_session_s_events_and_their_deliveries_are_listed(hooked: Hooked) -> None:
    webhook, _ = hooked.webhook(403)
    session_id = hooked.session()

    def deliveries(**query: str) -> list[dict[str, Any]]:
        answer = hooked.client.get("/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return [one for one in found if one["webhookId"] == webhook["webhookId"]]

    attempted = eventually(
        lambda: deliveries(sessionId=session_id), lambda found: found and found[0]["attempts"]
    )
    listed = hooked.client.get(f"/sessions/{session_id}/events").json()
    events = listed["events"]

    assert events[-1]["type"] == "session.created"
    assert (events[-1]["sequence"], events[-1]["sessionId"]) == (1, session_id)
    assert events[-1]["data"]["sessionId"] == session_id
    assert listed["nextCursor"] is None
    assert attempted[-1]["eventId"] == events[-1]["id"]
    assert attempted[-1]["attempts"][0]["statusCode"] == 403
    assert deliveries(eventId=events[-1]["id"]) == deliveries(sessionId=session_id)[-1:]
    assert deliveries(sessionId=session_id, status="succeeded") == []
    assert deliveries(callId=NOWHERE) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [({}, "sessionId"), ({"sessionId": "x"}, "sessionId"), ({"eventId": "x"}, "eventId")],
)
def test_deliveries_are_of_something(hooked: Hooked, query: dict[str, str], field: str) -> None:
    answer = hooked.client.get("/deliveries", params=query)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
