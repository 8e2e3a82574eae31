"""Bad input: a clear JSON error with the right status, and nothing is started."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.simulator import SimulatorProcess

JSON = {"Content-Type": "application/json"}
GOOD = {"userIdentity": "user-42"}


def deep(levels: int) -> bytes:
    return b'{"userIdentity":"u","agentConfig":{"x":' + b"[" * levels + b"]" * levels + b"}}"


def error_of(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert body["error"].endswith(".")
    assert body["requestId"] == answer.headers["x-request-id"]
    return body


@pytest.fixture(autouse=True)
def _nothing_is_dispatched(http: httpx.Client, simulator: SimulatorProcess) -> Any:
    before = simulator.state()["requests"].get("CreateDispatch", 0)
    yield
    assert simulator.state()["requests"].get("CreateDispatch", 0) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "userIdentity"),
        ({"userIdentity": None}, "userIdentity"),
        ({"userIdentity": 42}, "userIdentity"),
        ({"userIdentity": ""}, "userIdentity"),
        ({"userIdentity": "   "}, "userIdentity"),
        ({"userIdentity": "a b"}, "userIdentity"),
        ({"userIdentity": "ü"}, "userIdentity"),
        ({"userIdentity": "a\u0000"}, "userIdentity"),
        ({"userIdentity": "x" * 129}, "userIdentity"),
        ({**GOOD, "roomName": 7}, "roomName"),
        ({**GOOD, "roomName": "a/b"}, "roomName"),
        ({**GOOD, "roomName": "r" * 129}, "roomName"),
        ({**GOOD, "agentConfig": []}, "agentConfig"),
        ({**GOOD, "agentConfig": "{}"}, "agentConfig"),
        ({**GOOD, "agentConfig": {"stt": 1}}, "agentConfig.stt"),
        ({**GOOD, "agentConfig": {"prompt": ["x"]}}, "agentConfig.prompt"),
        ({**GOOD, "agentConfig": {"greeting": False}}, "agentConfig.greeting"),
        ({**GOOD, "agentConfig": {"realtime": "true"}}, "agentConfig.realtime"),
        ({**GOOD, "agentConfig": {"vad_enabled": 1}}, "agentConfig.vad_enabled"),
        (
            {**GOOD, "agentConfig": {"noise_cancellation_type": "loud"}},
            "agentConfig.noise_cancellation_type",
        ),
        ({**GOOD, "agentConfig": {"session_id": "mine"}}, "agentConfig.session_id"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_a_value_that_breaks_a_rule_is_400_and_named(
    http: httpx.Client, body: dict[str, Any], field: str
) -> None:
    answer = http.post("/session", json=body)

    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["code"], error["field"]) == ("validation_failed", field)
    assert field in error["error"]


@pytest.mark.parametrize("field", ["userIdentity", "roomName"])
def test_the_example_of_an_error_is_a_good_value(http: httpx.Client, field: str) -> None:
    answer = http.post("/session", json={**GOOD, field: "not good"})

    assert error_of(answer)["example"] in ("user-42", "room-42")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"userIdentity": "u",}',
        b"{'userIdentity': 'u'}",
        b'{"userIdentity": "u", "agentConfig": {"x": NaN}}',
        b'{"userIdentity": "u", "agentConfig": {"x": Infinity}}',
        b'{"userIdentity": "u", "agentConfig": {"x": 1e400}}',
        b'{"userIdentity": "u", "agentConfig": {"x": "\\ud800"}}',
        b'{"userIdentity": "\xff"}',
        b'{"userIdentity": "u\x00"}',
        '{"userIdentity": "u"}'.encode("utf-16"),
        b'{"userIdentity": "u"} {}',
        b"[]",
        b"null",
        b'"userIdentity"',
        deep(101),
        deep(200_000),
    ],
    ids=lambda body: repr(body[:48]),
)
@pytest.mark.parametrize("path", ["/session", "/session/end"])
def test_a_body_that_is_no_json_object_is_400(http: httpx.Client, path: str, body: bytes) -> None:
    answer = http.post(path, content=body, headers=JSON)

    assert answer.status_code == 400
    assert error_of(answer)["code"] in ("malformed_json", "validation_failed")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None],
)
def test_a_body_that_is_not_declared_as_json_is_415_and_tells_how_it_was_declared(
    http: httpx.Client, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    answer = http.post("/session", content=b'{"userIdentity":"u"}', headers=headers)

    assert answer.status_code == 415
    error = error_of(answer)
    assert (error["code"], error["example"]) == ("unsupported_media_type", "application/json")
    assert (content_type or "without").partition(";")[0] in error["error"]


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("text/plain;charset=UTF-8", 404), ("text/plain", 404), (None, 404), (FORM, 415)],
)
def test_a_beacon_may_end_a_room(http: httpx.Client, content_type: str | None, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    answer = http.post("/session/end", content=b'{"roomName": "nobody-here"}', headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/session", "/session/end"])
def test_a_compressed_body_is_415(http: httpx.Client, path: str) -> None:
    body = gzip.compress(b'{"userIdentity": "u", "roomName": "r"}')

    answer = http.post(path, content=body, headers={**JSON, "Content-Encoding": "gzip"})

    assert answer.status_code == 415
    assert error_of(answer)["code"] == "unsupported_content_encoding"
    assert answer.headers["accept-encoding"] == "identity"


CUT = r"\ud83d"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"userIdentity": "u", "agentConfig": {"prompt": "Hello CUT"}}', "agentConfig.prompt"),
        ('{"userIdentity": "u", "agentConfig": {"prompt": "CUT and on"}}', "agentConfig.prompt"),
        ('{"userIdentity": "u", "agentConfig": {"greeting": "\\udc4b"}}', "agentConfig.greeting"),
        ('{"userIdentity": "uCUT"}', "userIdentity"),
        ('{"userIdentity": "u", "roomName": "CUT"}', "roomName"),
        (
            '{"userIdentity": "u", "agentConfig": {"tools": [{}, {"name": "CUT"}]}}',
            "agentConfig.tools[1].name",
        ),
        ('{"userIdentity": "u", "agentConfig": {"CUT": 1}}', r"agentConfig.\ud83d"),
        ('{"userIdentity": "u", "agentConfig": {"n": 1e400}}', "agentConfig.n"),
        ('{"userIdentity": "u", "agentConfig": {"n": [-1e999]}}', "agentConfig.n[0]"),
        ('{"userIdentity": "u", "agentConfig": {"n": NaN}}', "agentConfig.n"),
        ('{"userIdentity": "u", "agentConfig": {"n": -Infinity}}', "agentConfig.n"),
    ],
)
def test_a_value_that_cannot_be_kept_is_400_and_named(
    http: httpx.Client, body: str, field: str
) -> None:
    answer = http.post("/session", content=body.replace("CUT", CUT).encode(), headers=JSON)

    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["code"], error["field"]) == ("validation_failed", field)
    assert field in error["error"]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a BOM"])
def test_the_last_of_repeated_keys_counts(http: httpx.Client, start: bytes) -> None:
    body = start + b'{"userIdentity": "good", "userIdentity": "not good"}'

    assert error_of(http.post("/session", content=body, headers=JSON))["field"] == "userIdentity"


def test_metadata_beyond_64_kib_is_413(http: httpx.Client) -> None:
    answer = http.post("/session", json={**GOOD, "agentConfig": {"prompt": "x" * 65536}})

    assert answer.status_code == 413
    assert error_of(answer)["code"] == "metadata_too_large"


@pytest.mark.parametrize("megabytes", [2, 10])
def test_a_huge_body_is_413(http: httpx.Client, megabytes: int) -> None:
    body = b'{"userIdentity":"' + b"u" * (megabytes << 20) + b'"}'

    answer = http.post("/session", content=body, headers=JSON)

    assert answer.status_code == 413
    assert error_of(answer)["code"] == "body_too_large"


@pytest.mark.parametrize("path", ["/nope", "/session/nope", "/telephony", "/health/x", "/%00"])
def test_an_unknown_path_is_a_json_404(http: httpx.Client, path: str) -> None:
    answer = http.get(path)

    assert answer.status_code == 404
    assert error_of(answer)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/session", "POST"),
        ("DELETE", "/session/end", "POST"),
        ("POST", "/health", "GET"),
        ("PUT", "/sessions/x", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_tells_the_right_one(
    http: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = http.request(method, path)

    assert answer.status_code == 405
    assert error_of(answer)["code"] == "method_not_allowed"
    assert allowed in answer.headers["allow"].split(", ")


def test_json_with_a_charset_and_json_dialects_are_json(http: httpx.Client) -> None:
    for content_type in ("application/json; charset=utf-8", "application/vnd.api+json"):
        answer = http.post("/session", content=b"{}", headers={"Content-Type": content_type})

        assert error_of(answer)["field"] == "userIdentity"
