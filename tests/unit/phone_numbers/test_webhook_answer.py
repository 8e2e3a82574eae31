"""What a pre-call webhook may answer, and what is refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.phone_numbers.webhook_exchange import NoAnswer, WebhookAnswer

AGENT = "01890a5d-ac96-774b-bcce-b302099a8057"


def parse(answer: Any) -> WebhookAnswer:
    return WebhookAnswer.parse(json.dumps(answer).encode())


def test_given_an_agent_and_what_it_gets_then_all_of_it_is_the_decision() -> None:
    answer = parse(
        {
            "agentId": f"{AGENT}@3",
            "agentConfig": {"prompt": "Be brief."},
            "variables": {"name": "Ann"},
            "metadata": {"order": 1},
            "unknown": True,
        }
    )

    assert answer.agent is not None
    assert (str(answer.agent.agent_id), answer.agent.version) == (AGENT, 3)
    assert answer.agent_config == {"prompt": "Be brief."}
    assert (answer.variables, answer.metadata) == ({"name": "Ann"}, {"order": 1})
    assert answer.reject is None


@pytest.mark.parametrize("absent", [{}, {"agentId": None, "reject": None, "variables": None}])
def test_given_nothing_then_the_number_s_own_agent_answers(absent: dict[str, None]) -> None:
    assert parse(absent) == WebhookAnswer()


@pytest.mark.parametrize("status", [400, 486, 603, 699])
def test_given_a_final_response_that_refuses_then_the_call_is_rejected(status: int) -> None:
    assert parse({"reject": status}) == WebhookAnswer(reject=status)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([], "JSON that is not an object"),
        ("x", "JSON that is not an object"),
        ({"agentConfig": []}, "'agentConfig' that is not an object"),
        ({"variables": "x"}, "'variables' that is not an object"),
        ({"metadata": 1}, "'metadata' that is not an object"),
        ({"agentId": 7}, "'agentId' that is no id of a saved agent"),
        ({"agentId": "support"}, "'agentId' that is no id of a saved agent"),
        ({"reject": 200}, "'reject' that is no SIP status"),
        ({"reject": 399}, "'reject' that is no SIP status"),
        ({"reject": 700}, "'reject' that is no SIP status"),
        ({"reject": True}, "'reject' that is no SIP status"),
        ({"reject": "486"}, "'reject' that is no SIP status"),
        ({"reject": 486, "agentId": AGENT}, "'reject' and an agent as well"),
        ({"reject": 486, "variables": {}}, "'reject' and an agent as well"),
    ],
    ids=str,
)
def test_given_what_is_no_decision_then_the_reason_is_said(answer: Any, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        parse(answer)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=len)
def test_given_what_is_not_json_then_it_is_no_answer(body: bytes) -> None:
    with pytest.raises(NoAnswer, match="what is not JSON"):
        WebhookAnswer.parse(body)
