"""What a caller may choose of a token is checked against LiveKit's limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.rooms.token_options import (
    DEFAULT_OPTIONS,
    MAX_ATTRIBUTES_BYTES,
    MAX_METADATA_BYTES,
    MAX_NAME_BYTES,
    TOKEN_TTL,
    TokenOptions,
    TokenRequest,
)
from domain.shared.errors import InvalidInput

HOUR = timedelta(hours=1)


def test_given_nothing_is_asked_then_the_token_is_the_contract_s() -> None:
    assert TokenRequest().options(HOUR) is DEFAULT_OPTIONS
    assert TokenOptions(ttl=timedelta(seconds=600)) == DEFAULT_OPTIONS
    assert DEFAULT_OPTIONS.chosen == {}


def test_given_all_is_asked_then_all_of_it_is_chosen() -> None:
    request = TokenRequest(
        participant_name="Ann Müller 👩‍🚀",
        participant_metadata='{"a":"\0"}',
        participant_attributes={"plan": "pro"},
        token_ttl_seconds=3600,
    )

    assert request.options(HOUR).chosen == {
        "name": "Ann Müller 👩‍🚀",
        "metadata": '{"a":"\0"}',
        "attributes": {"plan": "pro"},
        "ttl": 3600,
    }


@pytest.mark.parametrize(
    "nothing",
    [
        TokenRequest(participant_name=""),
        TokenRequest(participant_metadata=""),
        TokenRequest(participant_attributes={}),
        TokenRequest(token_ttl_seconds=600),
    ],
)
def test_given_an_empty_value_then_it_is_absent(nothing: TokenRequest) -> None:
    assert nothing.options(HOUR) == DEFAULT_OPTIONS


@pytest.mark.parametrize(
    "largest",
    [
        TokenRequest(participant_name="é" * (MAX_NAME_BYTES // 2)),
        TokenRequest(participant_metadata="😀" * (MAX_METADATA_BYTES // 4)),
        TokenRequest(participant_attributes={"é": "x" * (MAX_ATTRIBUTES_BYTES - 2)}),
        TokenRequest(token_ttl_seconds=10),
        TokenRequest(token_ttl_seconds=3600),
    ],
)
def test_given_the_largest_that_is_permitted_then_it_is_taken(largest: TokenRequest) -> None:
    assert largest.options(HOUR) != DEFAULT_OPTIONS


NAME, METADATA = "participantName", "participantMetadata"
ATTRIBUTES, TTL = "participantAttributes", "tokenTtlSeconds"
WRONG: list[tuple[str, Any, str]] = [
    (NAME, "x" * 257, "at most 256 bytes of UTF-8, not 257"),
    (NAME, "é" * 129, "at most 256 bytes of UTF-8, not 258"),
    (NAME, "Ann\nMüller", "without control characters"),
    (NAME, "Ann\x9b", "without control characters"),
    (NAME, "\ud800", "a text of at most 256 bytes"),
    (NAME, 7, "a text of"),
    (METADATA, "x" * 64_001, "at most 64000 bytes of UTF-8, not 64001"),
    (METADATA, "\udfff", "a text of"),
    (METADATA, {"a": 1}, "a text of"),
    (ATTRIBUTES, ["plan"], "must be an object"),
    (ATTRIBUTES, {"": "x"}, "names that are not empty"),
    (ATTRIBUTES, {"plan": 7}, "values that are texts"),
    (ATTRIBUTES, {"plan": None}, "values that are texts"),
    (ATTRIBUTES, {"plan": "\ud800"}, "values that are texts"),
    (ATTRIBUTES, {"\ud800": "x"}, "names that are not empty"),
    (ATTRIBUTES, {"a": "x" * 63_000}, "at most 63000 bytes of UTF-8 in all"),
    (ATTRIBUTES, {str(number): "x" * 100 for number in range(1000)}, "63000 bytes"),
    (ATTRIBUTES, {"lk.agent.state": "speaking"}, "begin with lk., sip., backend-livekit."),
    (ATTRIBUTES, {"sip.callStatus": "active"}, "begin with"),
    (ATTRIBUTES, {"backend-livekit.user": ""}, "begin with"),
    *(
        (TTL, seconds, "a whole number from 10 to 3600")
        for seconds in (9, 0, -600, 3601, 10**30, 600.0, "600", True)
    ),
]


@pytest.mark.parametrize(("field", "value", "sentence"), WRONG)
def test_given_a_wrong_value_then_the_error_names_its_field_and_the_limit(
    field: str, value: Any, sentence: str
) -> None:
    python = "".join(f"_{char.lower()}" if char.isupper() else char for char in field)

    with pytest.raises(InvalidInput, match=sentence) as caught:
        TokenRequest(**{python: value}).options(HOUR)

    assert caught.value.details["field"] == field
    assert field in str(caught.value)


def test_given_another_maximum_then_it_bounds_the_time_to_live() -> None:
    day = timedelta(days=1)

    assert TokenRequest(token_ttl_seconds=86400).options(day).ttl == day
    with pytest.raises(InvalidInput, match="MAX_TOKEN_TTL_SECONDS"):
        TokenRequest(token_ttl_seconds=601).options(TOKEN_TTL)
