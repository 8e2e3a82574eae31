"""What a difference says."""

from __future__ import annotations

import pytest

from tests.golden.files import FOLDER, check, difference


def test_given_a_renamed_line_then_the_sentence_names_the_file_the_line_and_the_way_to_renew() -> (
    None
):
    sentence, *lines = difference("log_events.txt", "a\nold\nb\n", "a\nnew\nb\n").splitlines()

    assert "tests/golden/log_events.txt loses 1 lines and gains 1, first '-old'" in sentence
    assert "`make golden`" in sentence
    assert "+new" in lines


def test_given_several_differences_then_each_is_reported() -> None:
    with pytest.raises(AssertionError) as failure:
        check({"missing.json": "new\n", "absent.json": "new\n", "ledger.json": ledger()})

    message = str(failure.value)
    assert "missing.json loses 0 lines and gains 1" in message
    assert "absent.json loses 0 lines and gains 1" in message
    assert "ledger.json" not in message


def test_given_the_file_as_it_is_then_the_check_passes() -> None:
    check({"ledger.json": ledger()})


def ledger() -> str:
    return (FOLDER / "ledger.json").read_text(encoding="utf-8")
