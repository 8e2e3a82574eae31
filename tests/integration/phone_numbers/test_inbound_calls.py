"""Inbound calls to stored numbers: their tenant and their agent, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.databases import sqlite_in
from tests.integration.http.webhooks import send
from tests.integration.phone_numbers.lines import Lines, lines_on, new_number, whats
from tests.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def lines(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lines]:
    folder = tmp_path_factory.mktemp("lines")
    simulator_process.register_worker("shreya-obnox")
    database = {"DATABASE_URL": sqlite_in(folder)}
    with lines_on(simulator_process, folder, database) as lines:
        yield lines


def test_a_call_is_its_number_s_tenant_s_and_is_answered_by_the_number_s_agent(
    lines: Lines,
) -> None:
    fields = {"agentConfig": {"prompt": "You help {{who}}."}, "variables": {"who": "everyone"}}
    agent = lines.agent("ann", **fields)
    number = lines.number(agent)["number"]

    caller = lines.calls(number)

    call = lines.served(caller, "ann")
    assert (call["to"], lines.sees(caller, "ben"), lines.sees(caller, "ops")) == (
        number, False, True,
    )  # fmt: skip
    session = lines.session(call, "ann")
    assert (session["agentId"], session["agentVersion"]) == (agent, 1)
    [dispatch] = lines.simulator.dispatches(caller.room, "worker-ann")
    metadata = json.loads(dispatch["metadata"])
    assert (metadata["prompt"], metadata["call_id"]) == ("You help everyone.", call["callId"])
    assert whats(call) == [("routed", f"agent {agent}@1")]


def test_a_call_to_another_number_belongs_to_no_tenant(lines: Lines) -> None:
    lines.number(lines.agent("ann"))

    caller = lines.calls(new_number())

    call = lines.served(caller, "ops")
    assert not lines.sees(caller, "ann")
    assert lines.session(call, "ops")["agentName"] == "shreya-obnox"


def test_given_the_number_changes_hands_then_earlier_calls_stay(lines: Lines) -> None:
    number = lines.number(lines.agent("ann"))["number"]
    first = lines.calls(number)
    lines.served(first, "ann")
    path = f"/phone-numbers/{number}"
    assert lines.client.delete(path, headers=lines.headers("ann")).status_code == 204
    body = {"number": number, "agentId": lines.agent("ben")}
    lines.post("/phone-numbers", "ops", body)

    second = lines.calls(number)
    assert send(lines.client, first.joined()).status_code == 200

    lines.served(second, "ben")
    assert (lines.sees(first, "ben"), lines.sees(second, "ann")) == (False, False)
    assert lines.session(lines.served(first, "ann"), "ann")["agentName"] == "worker-ann"
