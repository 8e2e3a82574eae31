"""What is left out of transcripts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.phonenumbers.numbers_in_text import NumbersInText
from domain.transcripts.item import TranscriptItem
from domain.transcripts.policy import TranscriptPolicy
from domain.transcripts.redaction import CARD, EMAIL, PHONE, Redactor

REDACTOR = Redactor(NumbersInText("US"))


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Write to ann.smith+x@mail.example.com, please", f"Write to {EMAIL}, please"),
        ("My card is 4111 1111 1111 1111.", f"My card is {CARD}."),
        ("4111-1111-1111-1111", CARD),
        ("Order 4111 1111 1111 1112", "Order 4111 1111 1111 1112"),
        ("Call me at +43 1 58801 0 or (510) 555-0100", f"Call me at {PHONE} or {PHONE}"),
        ("It is 12:30 on 2026-11-27, room 42", "It is 12:30 on 2026-11-27, room 42"),
        ("nothing", "nothing"),
    ],
)
def test_addresses_cards_and_numbers_are_replaced(text: str, redacted: str) -> None:
    assert REDACTOR.text(text) == redacted


def test_a_tool_s_json_stays_json() -> None:
    given = '{"to": "+15105550100", "card": 4111111111111111, "n": 7, "ok": true}'

    redacted = REDACTOR.json_or_text(given)

    assert json.loads(redacted) == {"to": PHONE, "card": CARD, "n": 7, "ok": True}
    assert REDACTOR.json_or_text('{"n": 7 }') == '{"n": 7 }'
    assert REDACTOR.json_or_text("ann@example.com {") == f"{EMAIL} {{"


def test_items_are_redacted_in_every_text_but_not_in_their_metrics() -> None:
    number = "+15105550100"
    item = TranscriptItem(
        id="1", type="message", position=0, text=number, arguments=f'["{number}"]', output=number,
        extra={"to": [number]}, metrics={"started_speaking_at": 1790000000.5},
    )  # fmt: skip

    [kept] = TranscriptPolicy(redactor=REDACTOR).kept([item])

    assert (kept.text, kept.arguments, kept.output) == (PHONE, f'["{PHONE}"]', PHONE)
    assert kept.extra == {"to": [PHONE]}
    assert kept.metrics == item.metrics


@given(st.text())
def test_any_text_is_redacted_once(text: str) -> None:
    redacted = REDACTOR.text(text)

    assert REDACTOR.text(redacted) == redacted
