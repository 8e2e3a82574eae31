"""``backend webhooks …`` and ``backend listen`` on the database of a running service."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from tests.integration.cli.backend import Backend
from tests.integration.http.webhooks import eventually
from tests.receivers import Receivers, running_receivers

UNKNOWN: Final = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with running_receivers() as receivers:
        yield receivers


@pytest.fixture
def private(backend: Backend) -> Backend:
    return backend.with_environ(WEBHOOK_ALLOW_PRIVATE="true")


def added(backend: Backend, *arguments: str) -> tuple[str, str]:
    """The id and the secret of a new webhook."""
    row, secret = backend.lines("webhooks", "add", *arguments)
    return row.split("\t")[0], secret


def shown(backend: Backend, webhook_id: str) -> Any:
    listed = [json.loads(line) for line in backend.lines("webhooks", "list", "--json")]
    return next(each for each in listed if each["webhookId"] == webhook_id)


def test_a_webhook_is_added_tested_changed_and_removed(
    private: Backend, receivers: Receivers
) -> None:
    path = f"/{uuid.uuid4()}"
    webhook_id, secret = added(
        private, f"{receivers.url}{path}", "--event", "call.ended", "--description", "CRM"
    )

    assert shown(private, webhook_id)["events"] == ["call.ended"]
    assert private.lines("webhooks", "test", webhook_id) == [
        "The receiver answered with the status 204."
    ]
    rotated = private("webhooks", "rotate-secret", webhook_id)
    receivers.behaviours[path] = 500
    refused = private("webhooks", "test", webhook_id)
    assert (refused.code, refused.output) == (1, "The receiver answered with the status 500.\n")
    first, second = receivers.of(path)
    Verifier(secret).verify(first.body, first.headers)
    for each in (secret, rotated.output.strip()):
        Verifier(each).verify(second.body, second.headers)
    assert "also signs until" in rotated.errors

    private.lines("webhooks", "update", webhook_id, "--status", "disabled", "--event", "*")
    changed = shown(private, webhook_id)
    assert (changed["status"], changed["events"]) == ("disabled", ["*"])
    assert private.lines("webhooks", "remove", webhook_id) == [
        f"The webhook {webhook_id} is deleted."
    ]
    assert private("webhooks", "remove", webhook_id).code == 1


def test_deliveries_are_listed_and_redelivered(private: Backend, url: str) -> None:
    """To a private address, which the service itself may not reach: so each attempt fails."""
    webhook_id, _ = added(private, "https://127.0.0.1:9/", "--event", "session.created")
    body = {"userIdentity": "ann", "roomName": f"room-{uuid.uuid4()}"}
    assert httpx.post(f"{url}/session", json=body).status_code == 200

    def deliveries() -> list[Any]:
        lines = private.lines("webhooks", "deliveries", webhook_id, "--json")
        return [json.loads(line) for line in lines]

    (delivery,) = eventually(deliveries, lambda found: found and found[0]["attempts"])
    assert "not public" in delivery["attempts"][0]["error"]
    (row,) = private.lines("webhooks", "deliveries", webhook_id, "--status", "pending")
    assert row.startswith(f"{delivery['deliveryId']}\tsession.created\tpending\t")
    redeliver = ("webhooks", "redeliver")
    assert private.lines(*redeliver, delivery["deliveryId"]) == ["1 deliveries are pending again."]
    assert private.lines(*redeliver, "--failed", webhook_id) == ["0 deliveries are pending again."]
    assert private(*redeliver).code == 2
    assert private(*redeliver, UNKNOWN).sentence == "There is no delivery with this id."
    private.lines("webhooks", "remove", webhook_id)


def test_a_wrong_url_is_one_sentence(backend: Backend) -> None:
    result = backend("webhooks", "add", "http://example.com/")

    assert result.code in (1, 2)
    assert "https://" in result.sentence


def test_new_events_are_forwarded_to_a_developer_s_machine(
    backend: Backend, url: str, receivers: Receivers
) -> None:
    path = f"/{uuid.uuid4()}"
    process = backend.start("listen", "--forward-to", f"{receivers.url}{path}")
    try:
        assert process.stdout is not None
        secret = process.stdout.readline().split()[-1]
        body = {"userIdentity": "ann", "roomName": f"room-{uuid.uuid4()}"}
        started = httpx.post(f"{url}/session", json=body).json()
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()

    assert line.startswith(f"session.created {started['sessionId']} ")
    assert " -> 204 (" in line
    assert (process.returncode, errors) == (0, "")
    received = receivers.of(path)[0]
    Verifier(secret).verify(received.body, received.headers)


def test_what_a_developer_s_machine_refuses_is_shown_and_the_next_event_is_sent(
    backend: Backend, url: str, receivers: Receivers
) -> None:
    path = f"/{uuid.uuid4()}"
    receivers.behaviours[path] = 500
    to = f"{receivers.url}{path}"
    process = backend.start("listen", "--forward-to", to, "--event", "session.ended")
    lines = []
    try:
        assert process.stdout is not None
        assert "Ready" in process.stdout.readline()
        for status in (500, 204):
            receivers.behaviours[path] = status
            room = {"roomName": f"room-{uuid.uuid4()}"}
            assert httpx.post(f"{url}/session", json={"userIdentity": "ann", **room}).is_success
            assert httpx.post(f"{url}/session/end", json=room).is_success
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()

    assert [line.split()[0] for line in lines] == ["session.ended", "session.ended"]
    assert " -> 500 (" in lines[0]
    assert " -> 204 (" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--forward-to", "nowhere"], "url"),
        (["--forward-to", "http://127.0.0.1:9", "--event", "call.exploded"], "kind of event"),
    ],
)
def test_what_cannot_be_forwarded_is_one_sentence(
    backend: Backend, arguments: list[str], part: str
) -> None:
    result = backend("listen", *arguments)

    assert result.code == 1
    assert part in result.sentence
