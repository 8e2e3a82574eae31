"""Transcripts as JSON, text and captions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.identifiers import SessionId
from domain.transcripts.item import TranscriptItem
from domain.transcripts.read_chat_history import items_of
from domain.transcripts.read_transcript import Transcript
from entrypoints.presenters.transcript_text import TranscriptFormat, written
from entrypoints.presenters.transcripts import TranscriptResponse
from tests.unit.transcripts.test_read_chat_history import HISTORIES

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
SESSION = SessionId("01890a5d-ac96-774b-bcce-b302099a8057")
TIMING = re.compile(
    r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"
)


def item(text: str | None, second: float | None = 0, **changes: Any) -> TranscriptItem:
    created_at = None if second is None else BEGAN + timedelta(seconds=second)
    values: dict[str, Any] = {
        "id": "x", "type": "message", "role": "user", "position": 0, "text": text,
        "created_at": created_at,
    }  # fmt: skip
    return TranscriptItem(**(values | changes))


SAID = [
    item("Hello, is anybody there?", 1.5),
    item("Of course.", 2, role="assistant", interrupted=True),
    item(None, 3, type="function_call", role=None, name="look_up", arguments='{"a": 1}'),
    item(None, 4, type="function_call_output", role=None, name="look_up", output="x\ny"),
    item("Two\nlines --> <b>", 5, role="assistant"),
    item(None, 6, type="agent_handoff", role=None, extra={"new_agent_id": "b"}),
]


def transcript(
    *slices: Sequence[TranscriptItem], has_ended: bool = True, is_partial: bool = False
) -> Transcript:
    async def each() -> AsyncIterator[Sequence[TranscriptItem]]:
        for items in slices:
            yield items

    return Transcript(
        session_id=SESSION,
        call_id=None,
        began_at=BEGAN,
        has_ended=has_ended,
        is_partial=is_partial,
        slices=each(),
    )


def text_of(form: TranscriptFormat, *slices: Sequence[TranscriptItem], **changes: bool) -> str:
    async def all_parts() -> bytes:
        return b"".join([part async for part in written(transcript(*slices, **changes), form)])

    return asyncio.run(all_parts()).decode()


def test_text_says_who_spoke_when_and_what_tools_did() -> None:
    assert text_of(TranscriptFormat.TEXT, SAID[:2], SAID[2:]) == (
        f"# session {SESSION}, began 2026-01-31T12:00:00.000Z\n"
        "[00:00:01] user: Hello, is anybody there?\n"
        "[00:00:02] assistant (interrupted): Of course.\n"
        '[00:00:03] tool call look_up: {"a": 1}\n'
        "[00:00:04] tool result look_up: x\n"
        "    y\n"
        "[00:00:05] assistant: Two\n"
        "    lines --> <b>\n"
        '[00:00:06] agent handoff: {"new_agent_id":"b"}\n'
    )


def test_captions_end_when_the_next_begins_or_the_text_is_spoken() -> None:
    assert text_of(TranscriptFormat.VTT, SAID[:2], SAID[2:]) == (
        "WEBVTT\n"
        "\n00:00:01.500 --> 00:00:03.100\n<v user>Hello, is anybody there?\n"
        "\n00:00:02.000 --> 00:00:03.000\n<v assistant>Of course. (interrupted)\n"
        '\nNOTE tool call look_up: {"a": 1}\n'
        "\nNOTE tool result look_up: x y\n"
        "\n00:00:05.000 --> 00:00:06.133\n<v assistant>Two lines --&gt; &lt;b&gt;\n"
    )


def test_captions_have_the_times_that_the_worker_measured() -> None:
    spoken = {
        "started_speaking_at": BEGAN.timestamp() + 7.25,
        "stopped_speaking_at": BEGAN.timestamp() + 8.75,
    }

    said = text_of(TranscriptFormat.VTT, [item("Hello", 9, metrics=spoken)])

    assert "00:00:07.250 --> 00:00:08.750" in said


@pytest.mark.parametrize(
    ("slices", "has_ended", "final"),
    [
        ([SAID], True, True),
        ([SAID], False, False),
        ([], True, False),
        ([SAID[:1], SAID[1:]], True, True),
    ],
)
def test_json_is_as_documented_and_final_once_it_is_over(
    *, slices: list[list[TranscriptItem]], has_ended: bool, final: bool
) -> None:
    text = text_of(TranscriptFormat.JSON, *slices, has_ended=has_ended)

    read = msgspec.json.decode(text, type=TranscriptResponse)

    assert read.session_id == str(SESSION)
    assert (len(read.items), read.final) == (sum(map(len, slices)), final)


def test_what_is_only_a_part_is_not_final() -> None:
    text = text_of(TranscriptFormat.JSON, SAID, is_partial=True)

    assert not msgspec.json.decode(text, type=TranscriptResponse).final


@given(HISTORIES)
def test_captions_are_valid_whatever_was_said(history: Any) -> None:
    said = text_of(TranscriptFormat.VTT, items_of(history))

    head, *blocks = said.split("\n\n")
    assert head.strip() == "WEBVTT"
    starts = []
    for block in blocks:
        lines = block.strip("\n").split("\n")
        if lines[0].startswith("NOTE "):
            assert "-->" not in block
            continue
        timing = TIMING.fullmatch(lines[0])
        assert timing is not None
        begin, end = timing.groups()[:4], timing.groups()[4:]
        assert begin < end
        starts.append(begin)
        assert len(lines) == 2
        assert lines[1].startswith("<v ")
        assert "-->" not in lines[1]
    assert starts == sorted(starts)


@given(HISTORIES)
def test_nobody_s_words_look_like_another_s_line(history: Any) -> None:
    items = items_of(history)

    lines = text_of(TranscriptFormat.TEXT, items).split("\n")

    assert len([line for line in lines if line.startswith("[")]) == len(items)
    assert all(line.startswith(("[", "    ", "# ")) or not line for line in lines)
    assert not [char for line in lines for char in line if char < " " and char != "\t"]


@given(st.lists(st.floats(-1e9, 1e9), max_size=4))
def test_json_is_valid_whatever_was_said(seconds: list[float]) -> None:
    history = [{"content": "x", "created_at": 1.8e9 + second} for second in seconds]

    read = msgspec.json.decode(text_of(TranscriptFormat.JSON, items_of(history)))

    assert len(read["items"]) == len(seconds)
