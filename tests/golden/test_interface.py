"""The OpenAPI document, the metrics and the error codes are the golden files'."""

from __future__ import annotations

from tests.golden.files import check, collected


def test_given_the_golden_files_when_the_interface_is_collected_then_they_are_equal() -> None:
    check(collected("interface"))
