"""How numbers are dialled at home."""

from __future__ import annotations

import pytest

from adapters.phonenumbers.dialled_numbers import dialled_at_home


@pytest.mark.parametrize(
    ("digits", "ways"),
    [
        ("15105550100", {"5105550100", "05105550100"}),
        ("442079460018", {"2079460018", "02079460018"}),
        ("3612345678", {"12345678", "012345678", "0612345678"}),  # Hungary's prefix is 06
        ("79161234567", {"9161234567", "09161234567", "89161234567"}),
        ("3545551234", set()),  # seven digits are anything
        ("999123456789", set()),
        ("1510", set()),
    ],
)
def test_as_in_its_country(digits: str, ways: set[str]) -> None:
    assert dialled_at_home(digits) == ways
