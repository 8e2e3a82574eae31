"""IDENTITY_CHARSET and MAX_TOKEN_TTL_SECONDS."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.sessions.user_identity import IdentityCharset
from entrypoints.settings import InvalidSettings
from tests.application import settings_with


def test_given_none_then_the_contract_s_rule_and_an_hour() -> None:
    settings = settings_with()

    assert settings.identity_charset is IdentityCharset.CONTRACT
    assert settings.max_token_ttl == timedelta(hours=1)


@pytest.mark.parametrize("text", ["any", "ANY", "contract", " Contract "])
def test_given_a_charset_then_it_is_read_in_any_case(text: str) -> None:
    assert settings_with(IDENTITY_CHARSET=text).identity_charset == text.strip().lower()


@pytest.mark.parametrize("seconds", ["600", "604800", "86400"])
def test_given_a_longest_time_then_it_is_read(seconds: str) -> None:
    settings = settings_with(MAX_TOKEN_TTL_SECONDS=seconds)

    assert settings.max_token_ttl == timedelta(seconds=int(seconds))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("IDENTITY_CHARSET", "unicode", "must be contract or any, not 'unicode'."),
        ("IDENTITY_CHARSET", "any,contract", "must be contract or any, not 'any,contract'."),
        ("MAX_TOKEN_TTL_SECONDS", "599", "must be a number of seconds from 600"),
        ("MAX_TOKEN_TTL_SECONDS", "604801", "to 604800"),
        ("MAX_TOKEN_TTL_SECONDS", "1h", "not '1h'"),
    ],
)
def test_given_a_wrong_value_then_the_start_says_what_it_should_be(
    name: str, text: str, sentence: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        settings_with(**{name: text})

    [problem] = caught.value.problems
    assert problem.startswith(f"{name} must be")
    assert sentence in problem
