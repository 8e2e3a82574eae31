"""What callers may be answered about reports and recordings is in the documents."""

from __future__ import annotations

import re

import pytest

from domain.shared import recording_errors, report_errors
from domain.shared.errors import DomainError
from tests.service import PROJECT


@pytest.mark.parametrize(
    ("module", "page"), [(report_errors, "reports.md"), (recording_errors, "recordings.md")]
)
def test_each_error_code_is_in_its_pages_table(module: object, page: str) -> None:
    kinds = [each for each in vars(module).values() if isinstance(each, type)]
    codes = {
        each.code
        for each in kinds
        if issubclass(each, DomainError)
        and each.__module__ in (report_errors.__name__, recording_errors.__name__)
    }
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    table = text.partition("## Errors")[2]

    assert codes - {*re.findall(r"`(\w+)`", table)} == set()
