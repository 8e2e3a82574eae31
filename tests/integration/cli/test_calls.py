"""`backend simulate-call` and `backend calls …`."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.cli.backend import LIMIT_SECONDS, Backend

CALLER, CALLED = "+15105550123", "+15105550145"


@pytest.fixture(scope="session")  # as the service's: a module may be begun twice
def simulated(backend: Backend) -> dict[str, str]:
    """A row of `calls list` for a call that was simulated and is over."""
    command = ("simulate-call", "--seconds", "60", "--from", CALLER, "--to", CALLED)
    with backend.start(*command) as process:
        backend.eventually("agent_dispatched", "calls", "list", "--json", "--from", CALLER)
        process.send_signal(signal.SIGINT)  # hangs up
        output, _ = process.communicate(timeout=LIMIT_SECONDS)
    *events, hint = output.splitlines()
    assert events == [
        f'{event}: 200 {{"ok":true}}'
        for event in ("participant_joined", "participant_left", "room_finished")
    ]
    [line] = backend.eventually("\tended\t", "calls", "list", "--from", CALLER)
    names = ("call", "created", "status", "direction", "from", "to", "seconds", "room")
    row = dict(zip(names, line.split("\t"), strict=True))
    assert f"backend calls show {row['room']}" in hint
    return row


@pytest.mark.slow
def test_a_simulated_call_is_in_the_list(simulated: dict[str, str]) -> None:
    assert (simulated["status"], simulated["direction"]) == ("ended", "inbound")
    assert (simulated["from"], simulated["to"]) == (CALLER, CALLED)
    assert simulated["room"].startswith(f"call-_{CALLER}_")
    assert float(simulated["seconds"]) > 0


@pytest.mark.parametrize("by", ["call", "room"])
def test_json_shows_a_call_exactly_as_the_http_api_does(
    backend: Backend, url: str, simulated: dict[str, str], by: str
) -> None:
    answer = httpx.get(f"{url}/telephony/calls/{simulated['call']}")

    [shown] = backend.lines("calls", "show", simulated[by], "--json")

    assert shown == answer.text
    whats = [entry["what"] for entry in json.loads(shown)["timeline"]]
    assert whats == ["joined", "active", "routed", "agent_dispatched", "left"]


def test_show_has_every_field_and_the_timeline(backend: Backend, simulated: dict[str, str]) -> None:
    [as_json] = backend.lines("calls", "show", simulated["call"], "--json")
    call = json.loads(as_json)

    rows = [line.split("\t") for line in backend.lines("calls", "show", simulated["call"])]

    shown = dict(rows)
    assert set(shown) == set(call)
    assert shown["disconnectReason"] == "CLIENT_INITIATED"
    assert shown["agentDispatched"] == "true"
    told = [value for name, value in rows if name == "timeline"]
    assert told[0] == f"{call['createdAt']} joined (webhook)"
    assert len(told) == len(call["timeline"])


def test_participants_are_listed_as_the_http_api_does(
    backend: Backend, url: str, simulated: dict[str, str]
) -> None:
    path = f"{url}/telephony/calls/{simulated['call']}/participants"
    listed = httpx.get(path).json()["participants"]

    lines = backend.lines("calls", "participants", simulated["room"], "--json")

    assert [json.loads(line) for line in lines] == listed
    [phone] = [one["phone"] for one in listed if one["kind"] == "sip"]
    assert (phone["from"], phone["to"], phone["direction"]) == (CALLER, CALLED, "inbound")
    assert all(one["leftAt"] for one in listed)


def test_list_filters(backend: Backend, simulated: dict[str, str]) -> None:
    created = simulated["created"]
    fits = ["--status", "ended", "--direction", "inbound", "--from", CALLER, "--to", CALLED,
            "--room", simulated["room"], "--q", CALLED[1:9], "--since", created,
            "--limit", "1"]  # fmt: skip

    [found] = backend.lines("calls", "list", "--json", *fits)
    missed = backend.lines("calls", "list", *fits, "--until", created)

    assert json.loads(found)["callId"] == simulated["call"]
    assert missed == []


def test_an_outbound_call_has_its_numbers_the_right_way_round(backend: Backend, room: str) -> None:
    backend.lines("simulate-call", "--seconds", "0", "--direction", "outbound", "--room", room,
                  "--from", CALLED, "--to", CALLER)  # fmt: skip

    [line] = backend.eventually("\tended\t", "calls", "list", "--room", room)

    assert line.split("\t")[3:6] == ["outbound", CALLED, CALLER]


def until(lines: Iterator[list[str]], room: str, status: str) -> list[str]:
    """The statuses that a tail tells of for a room's call, up to this one."""
    told: list[str] = []
    while status not in told:
        columns = next(lines)
        told += [columns[2]] * (columns[-1] == room)
    return told


@pytest.mark.slow
def test_tail_tells_what_lives_what_comes_and_what_ctrl_c_hangs_up(
    backend: Backend, room: str
) -> None:
    earlier, later = f"{room}-earlier", f"{room}-later"
    with backend.start("simulate-call", "--room", earlier, "--seconds", "60") as call:
        backend.eventually("\tactive\t", "calls", "list", "--room", earlier)
        with backend.tail() as lines:
            already = until(lines, earlier, "active")
            # Longer than a second, so that one look sees it alive.
            backend.lines("simulate-call", "--room", later, "--seconds", "1.5")
            came = until(lines, later, "ended")
            call.send_signal(signal.SIGINT)
            went = until(lines, earlier, "ended")
        assert call.wait(10) == 0

    assert (already, came, went) == (["active"], ["active", "ended"], ["ended"])


def test_more_calls_than_the_limit_are_not_kept_secret(backend: Backend, room: str) -> None:
    caller = ("--from", "+15105550177")
    for name in (f"{room}-1", f"{room}-2"):
        backend.lines("simulate-call", "--seconds", "0", "--room", name, *caller)
        backend.eventually(name, "calls", "list", *caller)

    found = backend("calls", "list", *caller, "--limit", "1")

    assert found.output.count("\n") == 1
    assert f"{room}-2" in found.output
    assert "--until" in found.errors


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("calls", "show", "01890a5d-ac96-774b-bcce-b302099a8057"), "There is no call '01890a5d"),
        (("calls", "show", "call-_+1_\x1b[31m"), "There is no call 'call-_+1_�[31m'"),
        (("calls", "show", b"\xff"), "There is no call '�'"),
        (("calls", "list", "--since", "yesterday"), "since must be a time"),
    ],
)
def test_what_is_not_there_or_not_understood_is_said_in_a_sentence(
    backend: Backend, arguments: tuple[str | bytes, ...], part: str
) -> None:
    result = backend(*arguments)

    assert result.code == 1
    assert part in result.sentence


def test_a_room_name_that_is_no_utf8_finds_nothing(backend: Backend) -> None:
    result = backend("calls", "list", "--room", b"\xff")

    assert (result.code, result.output, result.errors) == (0, "", "")


@pytest.mark.parametrize(
    "command", [("calls", "list"), ("calls", "show", "x"), ("calls", "tail"), ("inbox", "list")]
)
def test_a_ledger_in_memory_is_out_of_reach(backend: Backend, command: tuple[str, ...]) -> None:
    result = backend.with_environ(DATABASE_URL="memory://")(*command)

    assert result.code == 1
    assert "inside the service's process" in result.sentence


def test_a_ledger_in_memory_can_be_told_of_a_call(backend: Backend, url: str, room: str) -> None:
    lines = backend.with_environ(DATABASE_URL="memory://").lines(
        "simulate-call", "--seconds", "0", "--room", room
    )

    route = lines[-1].removeprefix("See the call: GET ").partition(" ")[0]
    assert httpx.get(route).json()["roomName"] == room


def test_a_wrong_configuration_is_code_2(backend: Backend) -> None:
    result = backend.with_environ(DATABASE_URL="x").process("calls", "list")

    assert result.code == 2
    assert "- DATABASE_URL must be" in result.errors
    assert "Traceback" not in result.errors


def test_a_wrong_secret_is_refused(backend: Backend, url: str) -> None:
    result = backend.with_environ(LIVEKIT_API_SECRET="another-secret-of-32-characters!")(
        "simulate-call"
    )

    assert result.code == 1
    assert f"{url} refused participant_joined (401): LiveKit's key did not" in result.sentence


def test_a_service_that_is_not_there_is_said_in_a_sentence(backend: Backend) -> None:
    result = backend("simulate-call", "--url", "http://127.0.0.1:1")

    assert result.code == 1
    assert "No answer from http://127.0.0.1:1, where" in result.sentence


def test_what_is_no_such_service_is_quoted(backend: Backend, url: str) -> None:
    result = backend("simulate-call", "--url", f"{url}/elsewhere")

    assert result.code == 1
    assert f"{url}/elsewhere refused participant_joined (404): " in result.sentence


def test_a_reader_who_goes_away_gets_no_traceback(backend: Backend) -> None:
    with backend.start("calls", "tail") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "Ctrl-C" in process.stderr.readline()
        process.stdout.close()
        backend.lines("simulate-call", "--seconds", "0")
        errors = process.stderr.read()

    assert process.returncode == 1
    assert errors == ""
