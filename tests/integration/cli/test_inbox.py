"""`backend inbox …`."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from domain.inbox.entry import MAX_FAILURES, InboxEntry, InboxStatus
from domain.inbox.webhook_verifier import WebhookEvent
from entrypoints.container import Container, running
from entrypoints.presenters.times import rfc3339
from entrypoints.settings import load_settings
from tests.integration.cli.backend import Backend

RECEIVED = datetime(2026, 11, 23, 6, 27, 37, 123000, UTC)


def dead_letter(backend: Backend, room: str) -> str:
    """The id of an event that was set aside, and that could be handled by now."""

    async def add() -> bool:
        async with running(Container(settings=load_settings(backend.environ))) as container:
            added: bool = await container.inbox().add(entry)
            return added

    event = WebhookEvent(
        id=f"EV_{uuid.uuid4().hex}",
        kind="room_finished",
        room_name=room,
        room_sid="RM_dead",
        body=b'{"event": "room_finished", "room": {"name": "r", "sid": "RM_dead"}}',
    )
    entry = InboxEntry(
        event=event,
        received_at=RECEIVED,
        due_at=RECEIVED,
        status=InboxStatus.DEAD,
        failures=MAX_FAILURES,
        last_error="LiveKit\tfell silent.",
    )
    assert asyncio.run(add())
    return event.id


def test_dead_letters_are_listed_and_replayed(backend: Backend, room: str) -> None:
    first, second, third = [dead_letter(backend, room) for _ in range(3)]

    counts, *rows = backend.lines("inbox", "list", "--room", room)

    assert "3 dead" in counts
    assert [row.split("\t")[0] for row in rows] == sorted((first, second, third), reverse=True)
    assert rows[0].split("\t")[1:] == [
        "room_finished", room, "2026-11-23T06:27:37.123Z", "", "10", "0", "LiveKit�fell silent."
    ]  # fmt: skip

    assert backend.lines("inbox", "replay", first) == [f"{first} is pending again."]
    replayed = backend.lines("inbox", "replay", "--dead")

    assert sorted(replayed) == sorted(f"{one} is pending again." for one in (second, third))
    assert backend.lines("inbox", "replay", "--dead") == ["There is nothing to replay."]
    handled = ("inbox", "list", "--status", "handled", "--room", room)
    for event_id in (first, second, third):
        counts, *_ = backend.eventually(event_id, *handled)
    assert "0 dead" in counts


def test_an_event_that_waits_for_an_outage_says_why_and_until_when(
    backend: Backend, room: str
) -> None:
    due_at = datetime.now(UTC) + timedelta(minutes=4)
    event = WebhookEvent(f"EV_{uuid.uuid4().hex}", "participant_joined", room, "RM_1", b"{}")
    entry = InboxEntry(
        event=event,
        received_at=RECEIVED,
        due_at=due_at,
        outages=7,
        last_error="LiveKit could not be reached.",
    )

    async def add() -> None:
        async with running(Container(settings=load_settings(backend.environ))) as container:
            await container.inbox().add(entry)

    asyncio.run(add())

    _, row = backend.lines("inbox", "list", "--status", "pending", "--room", room)

    assert row.split("\t")[3:] == [
        "2026-11-23T06:27:37.123Z", rfc3339(due_at), "0", "7", "LiveKit could not be reached."
    ]  # fmt: skip


def test_an_unknown_event_leaves_the_others_as_they_are(backend: Backend, room: str) -> None:
    dead = dead_letter(backend, room)

    result = backend("inbox", "replay", dead, "EV_unknown")

    assert result.code == 1
    assert result.sentence == "There is no event 'EV_unknown' in the inbox."
    assert dead in backend.lines("inbox", "list", "--room", room)[1]
    backend.lines("inbox", "replay", dead)


@pytest.mark.parametrize("arguments", [(), ("EV_1", "--dead")])
def test_replay_wants_events_or_all_dead_letters(
    backend: Backend, arguments: tuple[str, ...]
) -> None:
    result = backend("inbox", "replay", *arguments)

    assert result.code == 2
    assert "--dead" in result.errors
    assert "Traceback" not in result.errors
