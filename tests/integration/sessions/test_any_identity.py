"""With IDENTITY_CHARSET=any a user may have any identity that LiveKit takes, end to end.

From the request over the token, the webhook, the list and the command line to the erasure, on each
database.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final

import attrs
import httpx
import jwt
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from entrypoints.container import Container
from entrypoints.settings import load_settings
from tests.databases import PostgresServer, sqlite_in
from tests.examples import examples
from tests.integration.cli.backend import Backend
from tests.integration.http.webhooks import event, eventually, send
from tests.livekit_server import API_SECRET
from tests.service import Service, running
from tests.simulator import SimulatorProcess

OF_TODAY: Final = [
    "ann@example.com",
    "ann+tag@example.com",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "+15105550100",
    "sip_+15105550100",
    "José",
    "Jose\N{COMBINING ACUTE ACCENT}",
    "田中\N{IDEOGRAPHIC SPACE}太郎",
    "مريم",
    "👩‍🚀",
    'O\'Brien "Bob" \\ 100% a/b?c=d&e#f;g',
    "a\N{RIGHT-TO-LEFT OVERRIDE}b\N{LINE SEPARATOR}c",
    "-",
    "...",
    "--identity",
    "*",
    "é" * 128,
    "x" * 256,
]
identities: Final = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)
    .map(str.strip)
    .filter(lambda text: 1 <= len(text.encode()) <= 256)
)


@attrs.frozen
class Deployment:
    """A service that takes any identity, and its command line."""

    http: httpx.Client
    backend: Backend
    service: Service

    def start(self, identity: str) -> dict[str, Any]:
        answer = self.http.post("/session", json={"userIdentity": identity})
        assert answer.status_code == 200, answer.text
        started: dict[str, Any] = answer.json()
        return started

    def found(self, identity: str) -> list[str]:
        """The ids of this user's sessions."""
        answer = self.http.get("/sessions", params={"userIdentity": identity})
        assert answer.status_code == 200, answer.text
        return [session["sessionId"] for session in answer.json()["sessions"]]

    def forget(self, identity: str) -> PersonalDataCounts:
        return asyncio.run(self._forget(identity))

    async def _forget(self, identity: str) -> PersonalDataCounts:
        made = Container(settings=load_settings(self.backend.environ, self.backend.folder))
        async with made.storage():
            erased: PersonalDataCounts = await made.erase_personal_data()(
                DataSubject.with_identity(identity), SYSTEM
            )
            return erased


@pytest.fixture(
    scope="module", params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.slow)]
)
def deployment(
    request: pytest.FixtureRequest,
    simulator_process: SimulatorProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("any")
    url = sqlite_in(folder)
    if request.param == "PostgreSQL":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.new_database()
    simulator_process.close_rooms()  # others' callers have the numbers of these identities
    simulator_process.register_worker("shreya-obnox")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": url,
        "IDENTITY_CHARSET": "any",
        "TELEPHONY_ENABLED": "true",
        "RATE_LIMIT_ENABLED": "false",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as http:
        yield Deployment(http, Backend(environ, folder), service)


def joined(started: dict[str, Any], claims: dict[str, Any]) -> bytes:
    """The webhook that LiveKit sends when the user joins with the token."""
    participant = {
        "sid": "PA_user",
        "identity": claims["sub"],
        "attributes": claims.get("attributes", {}),
        "joinedAt": "1764000000",
    }
    room = {"name": started["roomName"], "sid": "RM_user"}
    return event("participant_joined", room=room, participant=participant)


def handled(deployment: Deployment) -> None:
    """Wait until every event is handled; none must be a dead letter."""
    [counts, *_] = eventually(
        lambda: deployment.backend.lines("inbox", "list"),
        lambda lines: lines[0].startswith("0 pending"),
    )
    assert counts.endswith("0 dead")


@given(pair=st.tuples(identities, identities))
@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(pair=(OF_TODAY[5], OF_TODAY[6]))
@example(pair=("ann@example.com", "Ann@example.com"))
def test_given_two_identities_then_neither_is_ever_taken_for_the_other(
    deployment: Deployment, pair: tuple[str, str]
) -> None:
    one, other = pair
    started = [deployment.start(one), deployment.start(other)]

    assert len({session["roomName"] for session in started}) == 2
    for identity, session in zip(pair, started, strict=True):
        assert jwt.decode(session["userToken"], API_SECRET, ["HS256"])["sub"] == identity
        assert session["sessionId"] in deployment.found(identity)
        renewed = deployment.http.post(
            "/session/token", json={"sessionId": session["sessionId"]}
        ).json()
        assert jwt.decode(renewed["userToken"], API_SECRET, ["HS256"])["sub"] == identity
        deployment.http.post("/session/end", json={"roomName": session["roomName"]})
    if one != other:
        assert started[1]["sessionId"] not in deployment.found(one)


@pytest.mark.slow
@pytest.mark.parametrize("identity", OF_TODAY, ids=ascii)
def test_given_a_name_of_today_s_users_then_every_part_of_the_service_copes(
    deployment: Deployment, identity: str
) -> None:
    deployment.forget(identity)  # what the other tests have left
    started = deployment.start(f" {identity} ")
    session_id, room = started["sessionId"], started["roomName"]
    claims = jwt.decode(started["userToken"], API_SECRET, ["HS256"])
    assert claims["sub"] == identity

    assert send(deployment.http, joined(started, claims)).status_code == 200
    handled(deployment)
    shown = deployment.http.get(f"/sessions/{session_id}").json()
    assert (shown["userIdentity"], shown["callId"]) == (identity, None)
    assert deployment.http.get("/telephony/calls", params={"roomName": room}).json()["calls"] == []
    as_json = deployment.backend("sessions", "list", f"--identity={identity}", "--json").output
    assert json.loads(as_json)["sessionId"] == session_id
    [columns] = deployment.backend.lines("sessions", "list", f"--identity={identity}")
    assert len(columns.split("\t")) == 7

    live = deployment.backend("forget", f"--identity={identity}", "--yes")
    assert (live.code, "have not ended" in live.errors) == (1, True)
    deployment.http.post("/session/end", json={"roomName": room})
    erased = deployment.forget(identity)
    assert (erased.sessions, erased.events >= 1) == (1, True)
    assert deployment.found(identity) == []
    assert deployment.forget(identity) == PersonalDataCounts()


def test_given_all_of_that_then_no_identity_is_in_the_log(deployment: Deployment) -> None:
    for identity in OF_TODAY[:12]:
        started = deployment.start(identity)
        deployment.http.post("/session/end", json={"roomName": started["roomName"]})

    lines = deployment.service.output().split("\n")

    assert [line for line in lines if line and not line.startswith("{")] == []
    for line in filter(None, lines):
        fields = json.dumps(json.loads(line), ensure_ascii=False)
        assert not [name for name in OF_TODAY[:12] if len(name) > 5 and name in fields]


@pytest.mark.parametrize("identity", ["x" * 257, "a\u0000b", "a\u001bb", "a\u0085b", "", "\u3000"])
def test_given_what_livekit_does_not_take_then_the_answer_names_the_rule(
    deployment: Deployment, identity: str
) -> None:
    answer = deployment.http.post("/session", json={"userIdentity": identity})

    told = answer.json()
    assert (answer.status_code, told["code"], told["field"]) == (
        400, "validation_failed", "userIdentity",
    )  # fmt: skip
    assert "IDENTITY_CHARSET=any" in told["error"]


def test_given_half_a_surrogate_pair_then_it_is_refused(deployment: Deployment) -> None:
    answer = deployment.http.post(
        "/session",
        content=b'{"userIdentity": "a\\ud800"}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
