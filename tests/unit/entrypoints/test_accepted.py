"""Which media type a client prefers."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoints.http.requests.accepted import accepted

JSON, TEXT, VTT = "application/json", "text/plain", "text/vtt"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("image/png", JSON),
        ("TEXT/VTT", VTT),
        ("text/*", TEXT),
        ("text/plain;q=0.1, text/vtt;q=0.2", VTT),
        ("text/plain;q=0", JSON),
        ("text/vtt; Q=0.000, text/plain;q=0.1", TEXT),
        ("application/json;q=0, */*", TEXT),
        ("*/*;q=0", JSON),
        (";;;", JSON),
        ("text/plain;q=abc", TEXT),
    ],
)
def test_the_preferred_type_is_chosen_and_a_refused_one_never(accept: str, expected: str) -> None:
    scope: Any = {"headers": [(b"accept", accept.encode())] if accept else []}

    assert accepted(scope, [JSON, TEXT, VTT]) == expected
