"""``backend telephony doctor``, with LiveKit simulated and a service running."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.databases import sqlite_in
from tests.integration.cli.backend import Backend
from tests.livekit_server import free_port
from tests.service import running
from tests.simulator import running_simulator

NUMBER = "+15105550100"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """All is well for NUMBER."""
    folder = tmp_path_factory.mktemp("doctor")
    port = free_port()
    hook = f"http://127.0.0.1:{port}/telephony/livekit-webhook"
    with running_simulator([hook]) as simulator:
        simulator.register_worker("shreya-obnox")
        environ = {
            **simulator.environ,
            "TELEPHONY_ENABLED": "true",
            "DATABASE_URL": sqlite_in(folder),
            "PORT": str(port),
        }
        with running(environ, folder):
            backend = Backend(environ, folder)
            create = ("telephony", "trunks", "create", "inbound", "--number", NUMBER)
            trunk = backend(*create).output.strip()
            assert backend("telephony", "rules", "create", "--trunk", trunk).code == 0
            yield backend


def diagnosed(backend: Backend, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and of each check the last state and finding."""
    result = backend("telephony", "doctor", *arguments, "--json")
    assert result.errors == ""
    shown: dict[str, Any] = json.loads(result.output)
    assert shown["ok"] == (result.code == 0)
    return result.code, {
        each["check"]: (each["state"], each["finding"]) for each in shown["findings"]
    }


def test_when_all_is_well_the_exit_code_is_0(healthy: Backend) -> None:
    code, found = diagnosed(healthy, NUMBER)

    assert (code, {state for state, _ in found.values()}) == (0, {"ok"})
    lines = [line.split("\t") for line in healthy.lines("telephony", "doctor", NUMBER)]
    assert [(check, state) for check, state, _ in lines] == [
        (check, state) for check, (state, _) in found.items()
    ]


@pytest.mark.parametrize(
    ("number", "check", "words"),
    [
        ("+442079460018", "trunk", "No inbound trunk takes calls to +442079460018"),
        ("5105550100", "number", "must be a telephone number with its country code"),
        ("", "number", "must be a telephone number"),
        ("\x1b[31m🙂", "number", "must be a telephone number"),
    ],
)
def test_a_number_that_does_not_work_is_exit_code_1(
    healthy: Backend, number: str, check: str, words: str
) -> None:
    code, found = diagnosed(healthy, number, "--no-dispatch")

    assert (code, found[check][0]) == (1, "failed")
    assert words in found[check][1]


@pytest.mark.parametrize(
    ("changes", "check", "state", "words"),
    [
        ({"LIVEKIT_URL": "ws://127.0.0.1:1"}, "livekit", "failed", "could not be reached"),
        ({"LIVEKIT_API_SECRET": "x" * 40}, "livekit", "failed", "LIVEKIT_API_SECRET"),
        ({"TELEPHONY_ENABLED": "false"}, "settings", "failed", "TELEPHONY_ENABLED is false"),
        ({"PORT": "1"}, "service", "failed", "Nothing answers at http://127.0.0.1:1/"),
        ({"LIVEKIT_WEBHOOK_API_KEY": "devkey", "LIVEKIT_WEBHOOK_API_SECRET": "y" * 40},
         "service", "failed", "refuses the signature"),
        ({"TRUNK_IGNORE": "ST_*"}, "trunk", "failed", "TRUNK_IGNORE"),
        ({"ROOM_IGNORE": "call-*"}, "dispatch-rule", "failed", "ROOM_IGNORE"),
        ({"DATABASE_URL": "memory://"}, "webhooks", "skipped", "DATABASE_URL is memory://"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_no_secret(
    healthy: Backend, changes: dict[str, str], check: str, state: str, words: str
) -> None:
    code, found = diagnosed(healthy.with_environ(**changes), NUMBER, "--no-dispatch")

    assert code == (1 if state == "failed" else 0)
    assert (found[check][0], words in found[check][1]) == (state, True), found
    assert "x" * 40 not in str(found)
    assert "y" * 40 not in str(found)


@pytest.mark.slow
def test_an_agent_without_a_worker_is_told(healthy: Backend) -> None:
    code, found = diagnosed(healthy.with_environ(AGENT_NAME="nobody's"), NUMBER)

    assert (code, found["worker"][0], found["webhooks"][0]) == (1, "failed", "ok")
    assert "No worker named 'nobody's' took a job" in found["worker"][1]


@pytest.mark.slow
def test_the_worker_of_the_number_s_saved_agent_is_checked(healthy: Backend) -> None:
    number = "+15105550177"
    file = healthy.folder / "agents.yaml"
    file.write_text("name: support\nagentName: support-worker\n", encoding="utf-8")
    healthy.lines("agents", "apply", "-f", str(file))
    agent = json.loads(healthy.lines("agents", "show", "support", "--json")[0])["agentId"]
    assert healthy("telephony", "trunks", "create", "inbound", "--number", number).code == 0
    healthy.lines("numbers", "add", number, "--agent", agent)
    try:
        code, found = diagnosed(healthy, number)
        other, of_other = diagnosed(healthy, NUMBER)
    finally:
        healthy.lines("numbers", "delete", number)

    assert (code, found["worker"][0]) == (1, "failed")
    assert "No worker named 'support-worker' took a job" in found["worker"][1]
    assert f"answered by agent {agent} ('support-worker')" in found["number"][1]
    assert (other, of_other["worker"][0]) == (0, "ok")


@pytest.mark.slow
def test_another_address_for_webhooks_is_tried(healthy: Backend) -> None:
    port = healthy.environ["PORT"]
    for url, words in (
        (f"http://127.0.0.1:{port}/health", "answers HTTP 405"),
        ("http://127.0.0.1:1/", "Nothing answers"),
        ("no url", "Nothing answers"),
    ):
        _, found = diagnosed(healthy, "--no-dispatch", "--webhook-url", url)
        assert (found["service"][0], words in found["service"][1]) == ("failed", True)


def test_missing_variables_are_exit_code_2(healthy: Backend) -> None:
    result = healthy.with_environ(LIVEKIT_URL="")("telephony", "doctor")

    assert result.code == 2
    assert "LIVEKIT_URL is missing" in result.errors
