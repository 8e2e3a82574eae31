"""Pre-call webhooks over real sockets: those that decide, hang, lie, redirect and say too much."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.databases import sqlite_in
from tests.integration.http.webhooks import eventually, send
from tests.integration.phone_numbers.hooks import Hooks, running_hooks
from tests.integration.phone_numbers.lines import Lines, lines_on, whats
from tests.simulator import SimulatorProcess, running_simulator


@attrs.frozen
class Asking:
    """Lines whose numbers ask a webhook at a path of their own."""

    lines: Lines
    hooks: Hooks

    def number(self, path: str, answer: Any, tenant: str = "ann") -> tuple[str, str, str]:
        """Return a number whose webhook answers so, its agent, and the webhook's secret."""
        self.hooks.answers[path] = answer
        agent = self.lines.agent(
            tenant, variables={"who": "all"}, agentConfig={"prompt": "{{who}}"}
        )
        webhook = {"url": f"{self.hooks.url}{path}"}
        shown = self.lines.number(agent, preCallWebhook=webhook)
        return shown["number"], agent, shown["preCallWebhook"]["secret"]


@pytest.fixture(scope="module")
def asking(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp("asking")
    simulator_process.register_worker("shreya-obnox")
    database = {"DATABASE_URL": sqlite_in(folder)}
    private = {"WEBHOOK_ALLOW_PRIVATE": "true"}
    with (
        running_hooks() as hooks,
        lines_on(simulator_process, folder, database, **private) as lines,
    ):
        yield Asking(lines, hooks)


def test_the_request_is_signed_and_says_who_calls(asking: Asking) -> None:
    number, agent, secret = asking.number("/signed", {"variables": {"who": "Ann"}})

    caller = asking.lines.calls(number)
    call = asking.lines.served(caller, "ann")

    [asked] = asking.hooks.of("/signed")
    assert json.loads(asked.body) == {
        "callId": call["callId"], "from": caller.number, "to": number,
        "trunkId": caller.trunk["sip.trunkID"], "headers": {"x-customer": "7"},
    }  # fmt: skip
    message_id, timestamp = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
    assert message_id == call["callId"]
    assert abs(int(timestamp) - time.time()) < 300
    signed = f"{message_id}.{timestamp}.".encode() + asked.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert asked.headers["webhook-signature"] == f"v1,{digest}"
    assert call["timeline"][-1]["what"] in ("agent_dispatched", "routed", "webhook_answered")
    [asked_at, answered, routed] = whats(call)
    assert asked_at == ("webhook_asked", f"{asking.hooks.url}/signed")
    assert answered[0] == "webhook_answered"
    assert re.fullmatch(r"after \d+ ms, attempt 1", answered[1])
    assert routed == ("routed", f"agent {agent}@1")
    [dispatch] = asking.lines.simulator.dispatches(caller.room, "worker-ann")
    assert json.loads(dispatch["metadata"])["prompt"] == "Ann"


def test_the_answer_chooses_agent_configuration_and_metadata(asking: Asking) -> None:
    other = asking.lines.agent("ann", agentName="worker-ben")
    answer = {
        "agentId": other, "agentConfig": {"greeting": "Hi", "engine": "x"}, "metadata": {"a": [1]},
    }  # fmt: skip
    number, _, _ = asking.number("/chooses", answer)

    caller = asking.lines.calls(number)

    call = asking.lines.served(caller, "ann")
    assert asking.lines.session(call, "ann")["agentId"] == other
    [dispatch] = asking.lines.simulator.dispatches(caller.room, "worker-ben")
    metadata = json.loads(dispatch["metadata"])
    assert (metadata["greeting"], metadata["engine"], metadata["metadata"]) == (
        "Hi", "x", {"a": [1]},
    )  # fmt: skip


def test_a_webhook_can_refuse_the_call(asking: Asking) -> None:
    number, _, _ = asking.number("/rejects", {"reject": 486})

    caller = asking.lines.calls(number)

    call = asking.lines.call(caller, "ann", lambda call: ("rejected", "486") in whats(call))
    eventually(lambda: asking.lines.simulator.room(caller.room), lambda room: room is None)
    assert send(asking.lines.client, caller.left("ROOM_DELETED")).status_code == 200
    call = asking.lines.call(caller, "ann", lambda call: call["endedAt"])
    assert call["sessionId"] is None
    assert asking.lines.simulator.dispatches(caller.room, "worker-ann") == []


HOSTILE: list[tuple[Any, str]] = [
    ("hangs", "did not answer within 2.5 s"),
    ("drips", "did not answer within 2.5 s"),
    ("breaks", "broke the connection"),
    ("redirects", "answered with the status 307"),
    ("answers 1 MiB", "answered with more than 16384 bytes"),
    (b"", "what is not JSON"),
    (b"<html>", "what is not JSON"),
    (b"[" * 16000, "what is not JSON"),
    (b"\xff", "what is not JSON"),
    ([1], "not an object"),
    ({"reject": 200}, "no SIP status"),
    ({"reject": True}, "no SIP status"),
    ({"reject": 486, "agentId": "0" * 36}, "'reject' and an agent"),
    ({"agentId": 7}, "no id of a saved agent"),
    ({"agentId": "01a2074e-8b46-7010-b8f8-28073a54b3a7"}, "There is no such agent"),
    ({"variables": {"nobody": "x"}}, "is no variable of this agent"),
    ({"variables": {"who": 7}}, "must be a string"),
    ({"agentConfig": {"session_id": "x"}}, "is set by the service"),
    ({"agentConfig": {"prompt": "{{secret}}"}}, "is not declared"),
    ({"metadata": "x"}, "not an object"),
]


@pytest.mark.parametrize(("answer", "why"), HOSTILE, ids=lambda value: str(value)[:30])
def test_given_no_usable_answer_then_the_number_s_agent_answers(
    asking: Asking, answer: Any, why: str
) -> None:
    path = f"/hostile-{abs(hash(str(answer)))}"
    number, agent, _ = asking.number(path, answer)

    caller = asking.lines.calls(number)

    call = asking.lines.served(caller, "ann")
    assert asking.lines.session(call, "ann")["agentId"] == agent
    assert asking.hooks.of("/elsewhere") == []
    what, detail = whats(call)[-1]
    assert what == "routed"
    assert detail.startswith(f"agent {agent}@1 by default: ")
    assert why in detail


def test_another_tenant_s_agent_is_not_there_for_a_webhook(asking: Asking) -> None:
    foreign = asking.lines.agent("ben")
    number, agent, _ = asking.number("/foreign", {"agentId": foreign})

    call = asking.lines.served(asking.lines.calls(number), "ann")

    assert asking.lines.session(call, "ann")["agentId"] == agent


def test_a_failed_attempt_is_repeated_once(asking: Asking) -> None:
    number, _, _ = asking.number("/again", "fails once")

    call = asking.lines.served(asking.lines.calls(number), "ann")

    first, second = asking.hooks.of("/again")
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert whats(call)[1][1].endswith("attempt 2")


def test_given_webhooks_that_hang_then_other_calls_are_answered_meanwhile(asking: Asking) -> None:
    """More of them than events are handled at a time: 32."""
    number, _, _ = asking.number("/hangs-for-all", "hangs")
    other = asking.lines.number(asking.lines.agent("ben"))["number"]
    waiting = [asking.lines.calls(number) for _ in range(40)]

    asking.lines.served(asking.lines.calls(other), "ben")

    for caller in waiting:
        asking.lines.served(caller, "ann")


def test_given_private_addresses_are_not_permitted_then_nothing_is_sent(
    simulator_process: SimulatorProcess, tmp_path: Path, asking: Asking
) -> None:
    """The URL was stored while they were; its address is checked when it is asked."""
    number, agent, _ = asking.number("/private", {"reject": 486})
    database = {"DATABASE_URL": sqlite_in(tmp_path)}
    with lines_on(simulator_process, tmp_path, database, WEBHOOK_ALLOW_PRIVATE="true") as lines:
        own = lines.agent("ann")
        webhook = {"url": f"{asking.hooks.url}/private"}
        number = lines.number(own, preCallWebhook=webhook)["number"]
        keys = lines.keys
    with lines_on(simulator_process, tmp_path, database) as lines:
        again = attrs.evolve(lines, keys=keys)
        call = again.served(again.calls(number), "ann")

    assert asking.hooks.of("/private") == []
    assert "has a URL that is not https" in whats(call)[-1][1]
    assert agent != own


def test_given_two_processes_and_repeated_events_then_one_decision_is_acted_on(
    processes: dict[str, str], tmp_path: Path
) -> None:
    """The reconciler of each looks too, and the webhook answers otherwise each time."""
    with (
        running_hooks() as hooks,
        running_simulator() as simulator,  # another service would serve the callers on a shared one
        lines_on(
            simulator, tmp_path, processes,
            WEBHOOK_ALLOW_PRIVATE="true", RECONCILE_INTERVAL_SECONDS="0.5",
        ) as lines,
    ):  # fmt: skip
        hooks.answers["/changes"] = "answers otherwise each time"
        webhook = {"url": f"{hooks.url}/changes"}
        number = lines.number(lines.agent("ann"), preCallWebhook=webhook)["number"]
        callers = [lines.calls(number) for _ in range(8)]
        for caller in callers * 3:
            assert send(lines.client, caller.joined()).status_code == 200

        for caller in callers:
            call = lines.served(caller, "ann")
            # The other process may be dispatching for the session that this one shows.
            dispatches = partial(lines.simulator.dispatches, caller.room, "worker-ann")
            [dispatch] = eventually(dispatches, bool)
            assert dispatch["metadata"].count('"metadata":{"answer":') == 1
            assert [what for what, _ in whats(call)].count("routed") == 1
