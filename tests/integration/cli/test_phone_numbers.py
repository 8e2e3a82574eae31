"""``backend numbers …`` on the database of a running service."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any, Final

import httpx
import pytest

from tests.integration.cli.backend import Backend

EXTENSIONS: Final = itertools.count(3000)
HOOK: Final = "https://example.com/calls"
UNKNOWN: Final = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def number() -> str:
    """A number that no other test has used."""
    return f"+1510555{next(EXTENSIONS)}"


@pytest.fixture
def agent(url: str) -> str:
    """The id of a new agent."""
    answer = httpx.post(f"{url}/agents", json={"name": f"agent-{uuid.uuid4()}"})
    return str(answer.raise_for_status().json()["agentId"])


def shown(backend: Backend, number: str) -> Any:
    [line] = backend.lines("numbers", "show", number, "--json")
    return json.loads(line)


def test_a_number_is_added_listed_shown_and_deleted(
    backend: Backend, url: str, number: str, agent: str
) -> None:
    spelled = f"{number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]}"
    added = backend.lines("numbers", "add", spelled, "--agent", agent)
    row = "\t".join((number, "", "", agent, "")).rstrip()

    assert [line.rstrip() for line in added] == [row]
    assert [line.rstrip() for line in backend.lines("numbers", "show", spelled)] == [row]
    assert row in [line.rstrip() for line in backend.lines("numbers", "list", "--limit", "200")]
    listed = [json.loads(line) for line in backend.lines("numbers", "list", "--json")]
    over_http = httpx.get(f"{url}/phone-numbers").json()["phoneNumbers"]
    assert shown(backend, number) in listed
    assert listed == over_http[: len(listed)]
    assert backend.lines("numbers", "delete", number) == [f"The phone number {number} is deleted."]
    assert number not in backend("numbers", "list").output


def test_a_list_that_is_cut_says_so(backend: Backend, agent: str) -> None:
    for _ in range(2):
        backend.lines("numbers", "add", f"+1510555{next(EXTENSIONS)}", "--agent", agent)

    cut = backend("numbers", "list", "--limit", "1")

    assert (cut.code, len(cut.output.splitlines())) == (0, 1)
    assert "There are more: raise --limit" in cut.errors


def test_a_webhook_s_secret_is_printed_when_it_is_made_and_never_again(
    backend: Backend, number: str, agent: str
) -> None:
    row, secret = backend.lines("numbers", "add", number, "--agent", agent, "--webhook", HOOK)
    [kept] = backend.lines("numbers", "change", number, "--webhook", f"{HOOK}/2")
    _, renewed = backend.lines("numbers", "change", number, "--new-secret")
    everything = backend("numbers", "list", "--json").output + backend("numbers", "list").output

    assert row.split("\t") == [number, "", "", agent, HOOK]
    assert kept.split("\t")[-1] == f"{HOOK}/2"
    assert secret.startswith("whsec_")
    assert renewed.startswith("whsec_")
    assert renewed != secret
    assert secret not in everything
    assert renewed not in everything
    [without] = backend.lines("numbers", "change", number, "--no-webhook")
    assert without.rstrip().split("\t") == [number, "", "", agent]


def test_another_agent_may_answer(backend: Backend, number: str, agent: str, url: str) -> None:
    other = httpx.post(f"{url}/agents", json={"name": f"agent-{uuid.uuid4()}"}).json()["agentId"]
    backend.lines("numbers", "add", number, "--agent", agent)

    [changed] = backend.lines("numbers", "change", number, "--agent", other)

    assert changed.split("\t")[3] == other
    assert shown(backend, number)["agentId"] == other


def test_entries_of_several_trunks_are_told_apart(
    backend: Backend, number: str, agent: str
) -> None:
    for trunk in ("ST_a", "ST_b"):
        backend.lines("numbers", "add", number, "--agent", agent, "--trunk", trunk)

    refused = backend("numbers", "delete", number)
    deleted = backend.lines("numbers", "delete", f"{number}@ST_a")

    assert refused.code == 1
    assert "several trunks" in refused.sentence
    assert deleted == [f"The phone number {number}@ST_a is deleted."]
    assert shown(backend, number)["trunkId"] == "ST_b"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "5105550100", "--agent", "AGENT"), "E.164"),
        (("add", "abc", "--agent", "AGENT"), "E.164"),
        (("add", "NUMBER", "--agent", "x"), "agentId"),
        (("add", "NUMBER", "--agent", UNKNOWN), "no agent with this id"),
        (("add", "NUMBER", "--agent", "AGENT", "--trunk", "a b"), "trunkId"),
        (("add", "NUMBER", "--agent", "AGENT", "--webhook", "http://127.0.0.1/"), "https"),
        (("show", "NUMBER"), "no such phone number"),
        (("change", "NUMBER", "--agent", "AGENT"), "no such phone number"),
        (("delete", "NUMBER"), "no such phone number"),
        (("delete", "\x1b[31m"), "number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_wrong_is_one_sentence(
    backend: Backend, number: str, agent: str, arguments: tuple[str, ...], words: str
) -> None:
    known = {"NUMBER": number, "AGENT": agent}

    refused = backend("numbers", *(known.get(one, one) for one in arguments))

    assert refused.code in {1, 2}
    assert words.lower() in refused.sentence.lower()
    assert "\x1b" not in refused.sentence
    assert "Traceback" not in refused.sentence


def test_a_number_that_is_taken_is_one_sentence(backend: Backend, number: str, agent: str) -> None:
    backend.lines("numbers", "add", number, "--agent", agent)

    refused = backend("numbers", "add", number, "--agent", agent)

    assert refused.code == 1
    assert "already in use" in refused.sentence
