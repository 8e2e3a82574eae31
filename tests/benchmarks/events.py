"""Signed webhooks, made ahead: the events of phone calls, as livekit-server sends them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from entrypoints.simulator.webhooks import signed_webhook
from tests.livekit_server import API_KEY, API_SECRET

EVENTS_OF_A_CALL: Final = 6
_numbers = itertools.count()


def events_of_a_call() -> Iterator[WebhookEvent]:
    """A caller joins a room that nobody has used, talks, and hangs up; the room closes."""
    number, now = next(_numbers), time.time()
    for kind in (
        "room_started",
        "participant_joined",
        "track_published",
        "track_unpublished",
        "participant_left",
        "room_finished",
    ):
        event = WebhookEvent(id=f"EV_{number}_{kind}", event=kind, created_at=int(now))
        event.room.name, event.room.sid = f"call-{number}", f"RM_{number}"
        event.room.creation_time = int(now)
        if not kind.startswith("room"):
            event.participant.CopyFrom(_caller(number, now))
        if kind.startswith("track"):
            event.track.sid = f"TR_{number}"
        if kind == "participant_left":
            event.participant.disconnect_reason = DisconnectReason.CLIENT_INITIATED
        yield event


def event_of_a_call(kind: str) -> WebhookEvent:
    """The event of this kind of a call that nobody knows."""
    return next(event for event in events_of_a_call() if event.event == kind)


def _caller(number: int, now: float) -> ParticipantInfo:
    return ParticipantInfo(
        sid=f"PA_{number}",
        identity="sip_+15105550100",
        kind=ParticipantInfo.Kind.SIP,
        joined_at=int(now),
        joined_at_ms=int(now * 1000),
        attributes={
            "sip.callID": f"SCL_{number}",
            "sip.callStatus": "active",
            "sip.phoneNumber": f"+1510{number % 10_000_000:07}",
            "sip.trunkPhoneNumber": "+15105550123",
            "sip.trunkID": "ST_1",
            "sip.ruleID": "SDR_1",
        },
    )


def events_that_teach_nothing() -> Iterator[WebhookEvent]:
    """A user's tracks, and the user leaving an unused room."""
    number, now = next(_numbers), time.time()
    for kind in ("room_started", "track_published", "track_unpublished", "participant_left"):
        event = WebhookEvent(id=f"EV_{number}_{kind}", event=kind, created_at=int(now))
        event.room.name, event.room.sid = f"room-{number}", f"RM_{number}"
        if kind != "room_started":
            event.participant.sid = f"PA_{number}"
            event.participant.identity = f"user-{number}"
            event.participant.joined_at = int(now)
        yield event


def write_events_that_teach_nothing(path: Path, number: int) -> None:
    """``number`` events to ``path``, as :func:`write_events` does."""
    events = itertools.chain.from_iterable(events_that_teach_nothing() for _ in itertools.count())
    _write(path, itertools.islice(events, number))


def write_events(path: Path, number: int) -> None:
    """At least ``number`` events to ``path``: the Authorization header and the body, by lines."""
    calls = (events_of_a_call() for _ in range(0, number, EVENTS_OF_A_CALL))
    _write(path, itertools.chain.from_iterable(calls))


def _write(path: Path, events: Iterable[WebhookEvent]) -> None:
    with path.open("w") as file:
        for event in events:
            body, headers = signed_webhook(event, API_KEY, API_SECRET)
            file.write(f"{headers['Authorization']}\n{body.decode()}\n")
