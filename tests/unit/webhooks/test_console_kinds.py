"""The console offers the kinds of events that a webhook may get."""

from __future__ import annotations

import re

from domain.webhooks.definition import KINDS
from tests.service import PROJECT


def test_the_console_offers_every_kind_of_event() -> None:
    source = (PROJECT / "console/src/api/webhooks.ts").read_text()
    found = re.search(r"EVENT_KINDS = \[(.*?)\]", source, re.S)

    assert found is not None
    assert tuple(re.findall(r'"([a-z_.]+)"', found[1])) == KINDS
