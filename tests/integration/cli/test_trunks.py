"""``backend telephony trunks`` and ``rules``, with LiveKit simulated; no ledger is opened."""

from __future__ import annotations

import io
import json
import sys
import uuid
from unittest import mock

import pytest

from tests.integration.cli.backend import Backend

SECRET = "a-password-that-only-tests-know"


@pytest.fixture
def number() -> str:
    return f"+1510{uuid.uuid4().int % 10**7:07}"


@pytest.fixture
def telephony(backend: Backend) -> Backend:
    """A command line that knows LiveKit, and a database that it cannot open."""
    return backend.with_environ(DATABASE_URL="memory://")


def test_a_trunk_and_its_rule_are_created_listed_and_deleted(
    telephony: Backend, number: str
) -> None:
    create = ("telephony", "trunks", "create", "inbound", "--number", number, "--name", "Main")
    first = telephony(*create)
    again = telephony(*create)
    trunk = first.output.strip()

    assert (first.code, again.code) == (0, 0)
    assert first.errors == f"The trunk {trunk} is created.\n"
    assert again.output == first.output
    assert again.errors == f"The trunk {trunk} existed already with these settings.\n"
    listed = telephony.lines("telephony", "trunks", "list", "--direction", "inbound")
    assert f"{trunk}\tinbound\tMain\t{number}\t\t\t" in listed

    rule = telephony("telephony", "rules", "create", "--trunk", trunk, "--prefix", "call-")
    assert rule.code == 0
    listed = telephony.lines("telephony", "rules", "list", "--json")
    [shown] = [each for each in map(json.loads, listed) if trunk in each["trunkIds"]]
    assert (shown["dispatchRuleId"], shown["roomPrefix"]) == (rule.output.strip(), "call-")

    delete = ("telephony", "rules", "delete", shown["dispatchRuleId"])
    assert telephony.lines(*delete) == [f"Dispatch rule {shown['dispatchRuleId']} is deleted."]
    assert telephony(*delete).sentence == "There is no dispatch rule with this id."
    assert telephony.lines("telephony", "trunks", "delete", trunk) == [f"Trunk {trunk} is deleted."]
    gone = telephony("telephony", "trunks", "delete", trunk)
    assert (gone.code, gone.sentence) == (1, "There is no trunk with this id.")


def test_a_password_comes_from_standard_input_and_is_never_shown(
    telephony: Backend, number: str
) -> None:
    with mock.patch.object(sys, "stdin", io.StringIO(f"{SECRET}\n")):
        made = telephony(
            "telephony", "trunks", "create", "outbound", "--number", number,
            "--address", "sip.provider.example", "--user", "user", "--json",
        )  # fmt: skip
    listed = telephony("telephony", "trunks", "list")

    assert made.code == 0
    assert json.loads(made.output)["hasPassword"] is True
    assert SECRET not in made.output + made.errors + listed.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("trunks", "create", "inbound"), "numbers must have at least one telephone number."),
        (("trunks", "create", "inbound", "--number", "5105550100"), "with its country code"),
        (("trunks", "create", "sideways"), "'sideways'"),
        (("rules", "create", "--room", "a", "--prefix", "b"), "not both"),
        (("trunks", "delete", "ST_\x1b[31m"), "There is no trunk with this id."),
    ],
)
def test_what_is_wrong_is_one_sentence(
    telephony: Backend, arguments: tuple[str, ...], sentence: str
) -> None:
    result = telephony("telephony", *arguments)

    assert result.code in {1, 2}
    assert sentence in result.sentence


def test_a_livekit_that_is_not_there_is_one_sentence(telephony: Backend) -> None:
    result = telephony.with_environ(LIVEKIT_URL="ws://127.0.0.1:1")("telephony", "trunks", "list")

    assert (result.code, result.sentence) == (
        1, "LiveKit could not be reached; check LIVEKIT_URL and that the server is up.",
    )  # fmt: skip


def test_missing_variables_are_named(telephony: Backend) -> None:
    result = telephony.with_environ(LIVEKIT_API_SECRET="")("telephony", "rules", "list")

    assert result.code == 2
    assert "LIVEKIT_API_SECRET is missing" in result.errors
