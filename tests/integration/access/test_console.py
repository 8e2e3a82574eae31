"""The console over HTTP: its page, its sessions, and the routes of API keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from domain.access.access import Scope
from tests.integration.access.two_tenants import ANN, BEN, agent_keys, as_, tenants_environ
from tests.integration.http.webhooks import eventually
from tests.service import Service, running
from tests.simulator import SimulatorProcess

SENT: Final = {"X-Console": "1"}
SESSION: Final = "/console/session"


@pytest.fixture(scope="module")
def environ(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return tenants_environ(simulator_process, tmp_path_factory.mktemp("console"))


@pytest.fixture(scope="module")
def admin(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("admin")
    return agent_keys(environ, folder, "ops", scope=Scope.ADMIN)["ops"]


@pytest.fixture(scope="module")
def service(
    environ: dict[str, str], admin: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    assert admin
    with running(environ, tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    """A browser with a tab of the console."""
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


def sign_in(http: httpx.Client, key: str, **headers: str) -> httpx.Response:
    answer = http.post(SESSION, headers=as_(key, **headers))
    assert answer.status_code == 201, answer.text
    return answer


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_given_a_key_then_its_cookie_authenticates_as_the_key_does(http: httpx.Client) -> None:
    assert http.get(SESSION).json() == {"state": "signed_out", "reason": "Sign in with an API key."}
    assert code_of(http.get("/sessions")) == (401, "invalid_api_key")

    answer = sign_in(http, ANN)

    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(
        r"backend-console=[\w.-]+; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", cookie
    )
    assert ANN not in cookie
    assert answer.headers["cache-control"] == "no-store"
    shown = http.get(SESSION).json()
    assert (shown["state"], shown["tenant"]) == ("signed_in", "ann")
    assert shown["scopes"] == ["calls:read", "calls:write", "sessions:write"]
    started = http.post("/session", json={"userIdentity": "ann"}, headers=SENT)
    assert started.status_code == 200, started.text
    [session] = http.get("/sessions").json()["sessions"]
    assert session["sessionId"] == started.json()["sessionId"]
    assert code_of(http.get("/api-keys")) == (403, "insufficient_scope")
    assert http.get("/sessions", headers=as_(BEN)).json()["sessions"] == []


def test_a_request_that_changes_something_needs_the_header_that_no_other_page_can_send(
    http: httpx.Client,
) -> None:
    sign_in(http, ANN)
    for method, path in (("POST", "/session"), ("POST", "/session/end"), ("DELETE", SESSION)):
        answer = http.request(method, path, json={"userIdentity": "x"})
        assert code_of(answer) == (403, "cross_site_request")
        assert "X-Console" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_the_cookie_of_another_site_s_request_is_not_looked_at(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    sign_in(http, ANN)
    answer = http.get("/sessions", headers={**SENT, **headers})
    assert code_of(answer) == (401, "invalid_api_key")
    own = {"Origin": str(http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert http.get("/sessions", headers=own).status_code == 200


def test_given_a_key_in_a_header_then_the_cookie_does_not_count(http: httpx.Client) -> None:
    sign_in(http, ANN)
    assert http.get("/sessions", headers=as_("wrong")).status_code == 401
    assert http.post("/session", json={"userIdentity": "ben"}, headers=as_(BEN)).is_success


def test_over_tls_the_cookie_is_for_this_host_and_encrypted_connections_only(
    http: httpx.Client,
) -> None:
    origin = str(http.base_url).rstrip("/").replace("http://", "https://")
    cookie = sign_in(http, ANN, Origin=origin).headers["set-cookie"]
    assert cookie.startswith("__Host-backend-console=")
    assert cookie.endswith("; HttpOnly; SameSite=Strict; Secure")


def test_signing_out_removes_the_cookie(http: httpx.Client) -> None:
    sign_in(http, ANN)
    answer = http.delete(SESSION, headers=SENT)
    assert (answer.status_code, "Max-Age=0" in answer.headers["set-cookie"]) == (204, True)
    assert http.get(SESSION).json()["state"] == "signed_out"
    assert http.get("/sessions").status_code == 401


@pytest.mark.parametrize("text", ["", "x", "v1.99999999999.." + "A" * 43 + "." + "A" * 43])
def test_a_cookie_that_was_not_signed_here_opens_nothing(http: httpx.Client, text: str) -> None:
    headers = {"Cookie": f"other=1; backend-console={text}; __Host-backend-console={text}"}
    assert code_of(http.get("/sessions", headers=headers)) == (401, "invalid_api_key")
    assert http.get(SESSION, headers=headers).json()["state"] == "signed_out"


@pytest.mark.parametrize("key", [None, "wrong", "blk_" + "a" * 12 + "_" + "A" * 43])
def test_only_a_key_opens_a_session(http: httpx.Client, key: str | None) -> None:
    answer = http.post(SESSION, headers={} if key is None else as_(key))
    assert code_of(answer) == (401, "invalid_api_key")
    assert "set-cookie" not in answer.headers


def test_given_a_session_alone_then_it_cannot_be_exchanged_for_another(http: httpx.Client) -> None:
    sign_in(http, ANN)
    assert code_of(http.post(SESSION, headers=SENT)) == (401, "invalid_api_key")


def make(http: httpx.Client, admin: str, **body: Any) -> httpx.Response:
    return http.post("/api-keys", json=body, headers=as_(admin))


def test_an_admin_makes_a_key_lists_it_and_revokes_it_with_the_sessions_that_it_opened(
    http: httpx.Client, admin: str
) -> None:
    body = {"name": "ops", "tenant": "ann", "scopes": ["calls:read"], "expiresInDays": 30}
    answer = make(http, admin, **body)
    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert made["key"].startswith(f"{made['prefix']}_")
    sign_in(http, made["key"])
    assert http.get(SESSION).json()["tenant"] == "ann"
    assert http.get("/telephony/calls").status_code == 200

    listed = http.get("/api-keys", headers=as_(admin)).json()["apiKeys"]
    [shown] = [key for key in listed if key["prefix"] == made["prefix"]]
    assert shown["state"] == "active"
    assert shown | {"lastUsedAt": None} == {
        name: value for name, value in made.items() if name != "key"
    }
    assert made["key"] not in str(listed)

    path = f"/api-keys/{made['prefix']}"
    assert http.delete(path, headers=as_(admin)).status_code == 204
    eventually(lambda: http.get("/telephony/calls"), lambda answer: answer.status_code == 401)
    assert "no longer works" in http.get(SESSION).json()["reason"]
    assert http.delete(path, headers=as_(admin)).status_code == 204
    listed = http.get("/api-keys", headers=as_(admin)).json()["apiKeys"]
    assert {key["prefix"]: key["state"] for key in listed}[made["prefix"]] == "revoked"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a", "tenant": "\n"}, "tenant"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["everything"]}, "scopes"),
        ({"name": "a", "expiresInDays": 0}, "expiresInDays"),
        ({"name": "a", "expiresInDays": 10**30}, "expiresInDays"),
        ({"name": "a", "expiresInDays": True}, "expiresInDays"),
    ],
    ids=str,
)
def test_a_wrong_value_is_named(
    http: httpx.Client, admin: str, body: dict[str, Any], field: str
) -> None:
    answer = make(http, admin, **body)
    assert code_of(answer) == (400, "validation_failed")
    assert answer.json()["field"] == field


@pytest.mark.parametrize("prefix", ["blk_aaaaaaaaaaaa", "x", "%00", "é"])
def test_a_key_that_is_not_there_is_not_found(http: httpx.Client, admin: str, prefix: str) -> None:
    assert code_of(http.delete(f"/api-keys/{prefix}", headers=as_(admin))) == (404, "not_found")


def test_given_a_whole_key_in_the_path_then_the_log_shows_its_prefix_only(
    http: httpx.Client, service: Service, admin: str
) -> None:
    key = make(http, admin, name="pasted").json()["key"]
    assert http.delete(f"/api-keys/{key}", headers=as_(admin)).status_code == 204
    eventually(service.output, lambda log: "/api-keys/{prefix}" in log, seconds=10)
    assert key[17:] not in service.output()


def test_a_service_without_keys_opens_its_console_on_its_own_machine_only(
    memory_service: Service, simulator: SimulatorProcess
) -> None:
    with httpx.Client(base_url=memory_service.url, timeout=30) as http:
        assert http.get(SESSION).json()["state"] == "open"
        # A page elsewhere whose name resolves to this machine.
        rebound = http.get(SESSION, headers={"Host": "evil.example"}).json()
        assert rebound["state"] == "signed_out"
        assert "backend keys create" in rebound["reason"]
        assert code_of(http.post(SESSION, headers=as_("anything"))) == (401, "invalid_api_key")
        first = http.post("/api-keys", json={"name": "a stranger's", "scopes": ["admin"]})
        assert code_of(first) == (403, "insufficient_scope")
        assert "backend keys create" in first.json()["error"]
        assert http.get(SESSION).json()["state"] == "open"
