"""The JSON that documents show has the fields that the service sends."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest

from domain.shared.identifiers import ReportId, SessionId
from domain.shared.reported import Reported
from entrypoints.presenters.events import EventResponse
from entrypoints.presenters.reports import EventData
from entrypoints.presenters.transcripts import SearchResponse, TranscriptResponse
from tests.documents.blocks import blocks
from tests.service import PROJECT

ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
READY: Final = EventData().transcript(
    Reported(report_id=ReportId(ID), session_id=SessionId(ID), call_id=None, tenant=None), 42
)


def fields(shown: type[msgspec.Struct]) -> list[str]:
    return [*shown.__struct_encode_fields__]


@pytest.mark.parametrize(
    ("page", "number", "sent"),
    [
        ("events.md", 0, fields(EventResponse)),
        ("transcripts.md", 0, fields(TranscriptResponse)),
        ("transcripts.md", 1, fields(SearchResponse)),
        ("transcripts.md", 2, [*READY]),
    ],
)
def test_given_a_page_then_its_json_has_the_fields_that_are_sent(
    page: str, number: int, sent: list[str]
) -> None:
    found = [block for block in blocks(PROJECT / "docs" / page) if block.language == "json"]
    shown: dict[str, Any] = json.loads(found[number].text)

    assert [*shown] == sent
