"""Idempotency-Key: a request may be sent again without a second session or agent."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest

from tests.simulator import SimulatorProcess

BODY = {"userIdentity": "ann", "agentConfig": {"llm": "x", "deep": {"b": 1, "a": [1, 2]}}}


def post(client: httpx.Client, key: str, body: object = None) -> httpx.Response:
    return client.post("/session", json=body or BODY, headers={"Idempotency-Key": key}, timeout=30)


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


def without_token(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {name: value for name, value in answer.json().items() if name != "userToken"}


def test_the_first_answer_is_given_again_with_a_new_token(
    http: httpx.Client, simulator: SimulatorProcess, key: str
) -> None:
    first = post(http, key)
    # The same request, written otherwise.
    again = post(http, f'"{key}"', {"agentConfig": {"deep": {"a": [1, 2], "b": 1}, "llm": "x"},
                                    "userIdentity": "ann"})  # fmt: skip

    assert without_token(again) == without_token(first)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    room = first.json()["roomName"]
    for answer in (first, again):
        claims = jwt.decode(answer.json()["userToken"], options={"verify_signature": False})
        assert (claims["sub"], claims["video"]["room"]) == ("ann", room)
    assert len(simulator.dispatches(room)) == 1


def test_another_request_with_the_same_key_is_refused(http: httpx.Client, key: str) -> None:
    post(http, key)

    refused = post(http, key, {**BODY, "userIdentity": "ben"})

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert refused.json()["field"] == "Idempotency-Key"


def test_of_twenty_at_once_one_is_carried_out(
    http: httpx.Client, simulator: SimulatorProcess, key: str
) -> None:
    before = http.get("/sessions?limit=200").json()["sessions"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(http, key), range(20)))

    done = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert done
    assert {answer.json()["code"] for answer in refused} <= {"idempotency_in_flight"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert len({answer.json()["sessionId"] for answer in done}) == 1
    assert len(simulator.dispatches(done[0].json()["roomName"])) == 1
    after = http.get("/sessions?limit=200").json()["sessions"]
    assert len({one["sessionId"] for one in after} - {one["sessionId"] for one in before}) == 1


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"userIdentity": ""}, 400),
        ({"userIdentity": "ann", "roomName": 7}, 400),
        ({"userIdentity": "ann", "agentConfig": {"prompt": "x" * 70_000}}, 413),
    ],
)
def test_a_refused_request_may_be_put_right_under_the_same_key(
    http: httpx.Client, key: str, wrong: dict[str, Any], status: int
) -> None:
    assert post(http, key, wrong).status_code == status

    assert post(http, key).status_code == 200


def save_agent(http: httpx.Client, **fields: object) -> str:
    saved = http.post("/agents", json={"name": f"agent {uuid.uuid4()}", **fields})
    assert saved.status_code == 201, saved.text
    return str(saved.json()["agentId"])


def send(http: httpx.Client, path: str, key: str, body: object) -> httpx.Response:
    return http.post(path, json=body, headers={"Idempotency-Key": key}, timeout=30)


def test_given_an_agent_that_does_not_exist_then_the_corrected_request_may_use_the_key(
    http: httpx.Client, simulator: SimulatorProcess, key: str
) -> None:
    unknown = {"userIdentity": "ann", "agentId": "01890a5d-ac96-774b-bcce-b302099a8057"}
    assert post(http, key, unknown).status_code == 404

    corrected = post(http, key)

    assert corrected.status_code == 200
    assert "idempotency-replayed" not in corrected.headers
    assert without_token(post(http, key)) == without_token(corrected)
    assert len(simulator.dispatches(corrected.json()["roomName"])) == 1
    assert post(http, key, unknown).json()["code"] == "idempotency_key_reused"


def test_given_a_variable_without_a_value_then_the_corrected_request_may_use_the_key(
    http: httpx.Client, simulator: SimulatorProcess, key: str
) -> None:
    config, variables = {"prompt": "You help {{who}}."}, {"who": None}
    agent = save_agent(http, agentConfig=config, variables=variables)
    body = {"userIdentity": "ann", "agentId": agent}
    refused = post(http, key, body)
    assert (refused.status_code, refused.json()["field"]) == (400, "variables.who")

    corrected = post(http, key, {**body, "variables": {"who": "Ann"}})

    assert corrected.status_code == 200
    assert len(simulator.dispatches(corrected.json()["roomName"])) == 1


def test_given_a_name_that_is_taken_then_another_name_may_use_the_key(
    http: httpx.Client, key: str
) -> None:
    name = f"taken {key}"
    save_agent(http, name=name)
    refused = send(http, "/agents", key, {"name": name})
    assert (refused.status_code, refused.json()["code"]) == (409, "agent_name_taken")

    corrected = send(http, "/agents", key, {"name": f"free {key}"})

    assert corrected.status_code == 201
    again = send(http, "/agents", key, {"name": f"free {key}"})
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == corrected.json()


def test_given_a_number_of_no_agent_or_a_taken_one_then_the_corrected_request_may_use_the_key(
    http: httpx.Client, key: str
) -> None:
    digits = str(uuid.UUID(key).int % 10_000).zfill(4)
    number, other = f"+1510556{digits}", f"+1510557{digits}"
    agent = save_agent(http)
    unknown = {"number": number, "agentId": "01890a5d-ac96-774b-bcce-b302099a8057"}
    assert send(http, "/phone-numbers", key, unknown).status_code in {400, 404}
    assert http.post("/phone-numbers", json={"number": other, "agentId": agent}).status_code == 201
    taken = send(http, "/phone-numbers", key, {"number": other, "agentId": agent})
    assert (taken.status_code, taken.json()["code"]) == (409, "phone_number_taken")

    corrected = send(http, "/phone-numbers", key, {"number": number, "agentId": agent})

    assert (corrected.status_code, corrected.json()["number"]) == (201, number)


def test_no_token_is_given_for_a_session_that_has_ended_since(
    http: httpx.Client, simulator: SimulatorProcess, key: str
) -> None:
    room = post(http, key).json()["roomName"]
    assert http.post("/session/end", json={"roomName": room}).status_code == 204

    refused = post(http, key)

    assert (refused.status_code, refused.json()["code"]) == (409, "session_ended")
    assert "retry-after" not in refused.headers  # it would not help
    assert simulator.room(room) is None


def test_ending_is_idempotent_by_itself_and_takes_no_key(http: httpx.Client, key: str) -> None:
    room = post(http, key).json()["roomName"]
    headers = {"Idempotency-Key": key}

    ended = [http.post("/session/end", json={"roomName": room}, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in ended] == [204, 204]
    assert not any("idempotency-replayed" in answer.headers for answer in ended)


def test_after_livekit_failed_the_same_request_succeeds_with_one_agent(
    http: httpx.Client, simulator: SimulatorProcess, key: str
) -> None:
    simulator.fault("CreateDispatch", "error", status=403)
    failed = post(http, key)
    simulator.no_faults()

    succeeded = post(http, key)

    assert failed.status_code == 502
    assert "idempotency-replayed" not in succeeded.headers
    assert len(simulator.dispatches(succeeded.json()["roomName"])) == 1


@pytest.mark.parametrize("wrong", ["k" * 256, "", '""'])
def test_a_key_must_be_one(http: httpx.Client, wrong: str) -> None:
    refused = post(http, wrong)

    assert refused.json()["code"] == "validation_failed"
    assert (refused.status_code, refused.json()["field"]) == (400, "Idempotency-Key")


def test_a_browser_may_send_the_key_and_read_that_it_was_known(
    http: httpx.Client, key: str
) -> None:
    origin = {"Origin": "https://app.example.com"}
    wanted = {"Access-Control-Request-Method": "POST",
              "Access-Control-Request-Headers": "content-type,idempotency-key"}  # fmt: skip
    preflight = http.options("/session", headers={**origin, **wanted})
    answer = http.post("/session", json=BODY, headers={**origin, "Idempotency-Key": key})

    assert preflight.status_code < 300
    assert "idempotency-key" in preflight.headers["access-control-allow-headers"].lower()
    assert "Idempotency-Replayed" in answer.headers["access-control-expose-headers"]


def test_the_openapi_document_describes_the_key_and_its_refusals(http: httpx.Client) -> None:
    paths = http.get("/docs/openapi.json").json()["paths"]

    (parameter,) = paths["/session"]["post"]["parameters"]
    answers = paths["/session"]["post"]["responses"]

    assert (parameter["name"], parameter["in"]) == ("Idempotency-Key", "header")
    assert parameter["required"] is False
    assert "24 hours" in parameter["description"]
    assert {"409", "422"} <= set(answers)
    assert "Idempotency-Replayed" in answers["200"]["description"]
    assert "parameters" not in paths["/session/end"]["post"]
