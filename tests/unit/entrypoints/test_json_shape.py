"""JSON that would take long to read is refused; whatever fits into an agent's metadata is not."""

from __future__ import annotations

import json

import pytest

from domain.agents.agent_config import MAX_METADATA_BYTES
from entrypoints.http.requests.json_shape import LongNumber, TooManyValues, check_shape


def repeated(item: str) -> bytes:
    """As much of it as 64 KiB hold."""
    number = (MAX_METADATA_BYTES - 2) // (len(item.encode()) + 1)
    return f"[{','.join([item] * number)}]".encode()


@pytest.mark.parametrize(
    "body",
    [
        *map(repeated, ["[]", "{}", "1", '""', '"a"', "null", '{"a":[]}', "[1,2]", "1" * 309]),
        json.dumps("," * MAX_METADATA_BYTES).encode(),
        json.dumps("[{" * (MAX_METADATA_BYTES // 2)).encode(),
        json.dumps('"' * MAX_METADATA_BYTES).encode(),
        json.dumps("\\" * MAX_METADATA_BYTES).encode(),
        json.dumps("ä" * (MAX_METADATA_BYTES // 2)).encode(),
        json.dumps("1" * MAX_METADATA_BYTES).encode(),
        json.dumps({"a": "x" * 5000, "b": 10**308}).encode(),
        b"[" + b"[" * 1000 + b"]" * 1000 + b"]" + b" " * 5000,
    ],
    ids=lambda body: body[:20].decode(),
)
def test_what_fits_into_metadata_is_read(body: bytes) -> None:
    check_shape(body)


@pytest.mark.parametrize("item", [b"[],", b"{},", b"1,", b'"",', b'{"a":1},', b"[[]],"])
def test_more_values_than_fit_are_refused(item: bytes) -> None:
    with pytest.raises(TooManyValues):
        check_shape(b'{"agentConfig":{"x":[' + item * (512 * 1024 // len(item)) + b"1]}}")


@pytest.mark.parametrize("item", [b"[", b'{"a":', b"[[1,", b'[{"a":'])
def test_what_is_nested_deeply_is_told_to_be(item: bytes) -> None:
    with pytest.raises(RecursionError):
        check_shape(item * (250 * 1024 // len(item)))


@pytest.mark.parametrize("number", ["1" * 310, "-" + "1" * 5000, "1" * 310 + "e5"])
def test_a_number_beyond_any_double_is_refused(number: str) -> None:
    with pytest.raises(LongNumber, match="more than 309 digits"):
        check_shape(f'{{"x":"{"x" * 5000}","n":{number}}}'.encode())


@pytest.mark.parametrize(
    "body", [b'"' * 9000, b'"\\' * 9000, b"\\" * 9000, b'"\\"' * 9000, b"\xff" * 9000]
)
def test_what_is_no_json_is_left_to_the_reader(body: bytes) -> None:
    check_shape(body)
