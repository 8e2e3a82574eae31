"""/phone-numbers over HTTP: what is shown, paging, idempotency, bad input, requests at once."""

from __future__ import annotations

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

URL: Final = "https://example.com/calls"
EXTENSIONS: Final = itertools.count(1000)


@pytest.fixture
def number() -> str:
    """A number that no other test uses."""
    return f"+1510555{next(EXTENSIONS)}"


@pytest.fixture
def agent(http: httpx.Client) -> str:
    answer = http.post("/agents", json={"name": f"agent-{uuid.uuid4()}"})
    agent_id: str = answer.json()["agentId"]
    return agent_id


def added(http: httpx.Client, number: str, agent: str, **fields: Any) -> dict[str, Any]:
    answer = http.post("/phone-numbers", json={"number": number, "agentId": agent, **fields})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_a_number_is_shown_in_e164_and_its_secret_once(
    http: httpx.Client, number: str, agent: str
) -> None:
    spaced = f"{number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]}"
    shown = added(http, spaced, agent, trunkId="ST_a", preCallWebhook={"url": URL})

    secret = shown["preCallWebhook"].pop("secret")
    assert secret.startswith("whsec_")
    wanted = {
        "number": number, "agentId": agent, "trunkId": "ST_a", "preCallWebhook": {"url": URL},
    }  # fmt: skip
    assert wanted.items() <= shown.items()
    for path in (number, f"{number}@ST_a", number.replace("+", "%2B")):
        answer = http.get(f"/phone-numbers/{path}")
        assert answer.json() == shown
    assert shown in http.get("/phone-numbers").json()["phoneNumbers"]


@pytest.mark.parametrize("trunk", ["ST/a", "/ST//a/", "..", "a%2Fb?c#d"])
def test_a_number_on_a_trunk_of_any_id_is_found_by_its_path_encoded(
    http: httpx.Client, number: str, agent: str, trunk: str
) -> None:
    added(http, number, agent)
    shown = added(http, number, agent, trunkId=trunk)
    path = f"/phone-numbers/{number}@{quote(trunk, safe='')}"

    assert http.get(path).json() == shown
    assert http.patch(path, json={"agentId": agent}).json()["trunkId"] == trunk
    assert http.delete(path).status_code == 204
    assert http.get(path).status_code == 404
    assert http.get(f"/phone-numbers/{number}").json()["trunkId"] is None


def test_a_change_shows_a_new_secret_only(http: httpx.Client, number: str, agent: str) -> None:
    added(http, number, agent, preCallWebhook={"url": URL})
    path = f"/phone-numbers/{number}"

    moved = http.patch(path, json={"preCallWebhook": {"url": f"{URL}/2"}, "trunkId": "ST_b"})
    renewed = http.patch(path, json={"preCallWebhook": {"secret": None}})
    removed = http.patch(path, json={"preCallWebhook": None, "trunkId": None})

    assert (moved.status_code, moved.json()["trunkId"]) == (200, "ST_b")
    assert moved.json()["preCallWebhook"] == {"url": f"{URL}/2"}
    assert renewed.json()["preCallWebhook"]["secret"].startswith("whsec_")
    assert (removed.json()["preCallWebhook"], removed.json()["trunkId"]) == (None, None)


def test_a_deleted_number_is_gone(http: httpx.Client, number: str, agent: str) -> None:
    added(http, number, agent)
    path = f"/phone-numbers/{number}"

    assert http.delete(path).status_code == 204
    for answer in (http.get(path), http.delete(path), http.patch(path, json={"trunkId": "ST_a"})):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_lists_are_paged(http: httpx.Client, agent: str) -> None:
    made = [added(http, f"+1510555{next(EXTENSIONS)}", agent)["number"] for _ in range(3)]

    first = http.get("/phone-numbers", params={"limit": 2}).json()
    second = http.get("/phone-numbers", params={"limit": 1, "cursor": first["nextCursor"]}).json()

    shown = [one["number"] for one in first["phoneNumbers"] + second["phoneNumbers"]]
    assert shown == made[::-1]


def test_a_request_that_is_repeated_with_its_key_adds_one_number(
    http: httpx.Client, number: str, agent: str
) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"number": number, "agentId": agent, "preCallWebhook": {"url": URL}}

    first = http.post("/phone-numbers", json=body, headers=headers)
    again = http.post("/phone-numbers", json=body, headers=headers)
    other = http.post("/phone-numbers", json={**body, "trunkId": "ST_a"}, headers=headers)
    without = http.post("/phone-numbers", json=body)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (without.status_code, without.json()["code"]) == (409, "phone_number_taken")
    assert without.json()["field"] == "number"


def test_of_many_requests_for_a_number_one_gets_it(
    http: httpx.Client, number: str, agent: str
) -> None:
    body = {"number": number, "agentId": agent}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: http.post("/phone-numbers", json=body), range(16)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "5105550199"}, "number"),
        ({"number": None}, "number"),
        ({"number": 15105550199}, "number"),
        ({"agentId": "x"}, "agentId"),
        ({"agentId": None}, "agentId"),
        ({"trunkId": "a b"}, "trunkId"),
        ({"trunkId": 7}, "trunkId"),
        ({"preCallWebhook": {}}, "preCallWebhook.url"),
        ({"preCallWebhook": {"url": "http://example.com"}}, "preCallWebhook.url"),
        ({"preCallWebhook": {"url": "https://127.0.0.1/"}}, "preCallWebhook.url"),
        ({"preCallWebhook": {"url": URL, "secret": "x"}}, "preCallWebhook.secret"),
        ({"preCallWebhook": {"url": URL, "more": 1}}, "more"),
        ({"preCallWebhook": [URL]}, "preCallWebhook"),
        ({"more": 1}, "more"),
    ],
)
def test_bad_input_is_refused_by_name(
    http: httpx.Client, number: str, agent: str, changes: dict[str, Any], field: str
) -> None:
    body = {"number": number, "agentId": agent, **changes}

    answer = http.post("/phone-numbers", json=body)

    assert answer.status_code == 400, answer.text
    assert (answer.json()["code"], answer.json()["field"]) == ("validation_failed", field)
    assert http.get(f"/phone-numbers/{number}").status_code == 404


def test_an_agent_that_is_not_there_is_404(http: httpx.Client, number: str) -> None:
    answer = http.post("/phone-numbers", json={"number": number, "agentId": str(uuid.uuid4())})

    assert (answer.status_code, answer.json()["field"]) == (404, "agentId")
