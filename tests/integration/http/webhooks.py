"""Webhooks as LiveKit signs and sends them (https://docs.livekit.io/home/server/webhooks/)."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import httpx
import jwt

from tests.livekit_server import API_KEY, API_SECRET

PATH: Final = "/telephony/livekit-webhook"
MEDIA_TYPE: Final = "application/webhook+json"
RULE: Final = {"sip.trunkID": "ST_in", "sip.ruleID": "SDR_1"}

T = TypeVar("T")
_NUMBERS: Final = itertools.count()


def event(kind: str, event_id: str | None = None, **fields: Any) -> bytes:
    """A webhook's body; without an id of its own it gets one that no other event has."""
    given = f"EV_{next(_NUMBERS)}" if event_id is None else event_id
    return json.dumps(
        {"event": kind, "id": given, "createdAt": int(time.time()), **fields}
    ).encode()


def impossible_event() -> bytes:
    """An event that is stored and then fails each time: of a room with a NUL in its name."""
    return event("room_finished", room={"name": "r\0", "sid": "RM_x"})


def token(
    body: bytes,
    key: str = API_KEY,
    secret: str = API_SECRET,
    algorithm: str = "HS256",
    **claims: Any,
) -> str:
    """LiveKit's JWT for ``body``; ``claims`` replace its own, None takes one away."""
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    given = {"iss": key, "nbf": now, "exp": now + 300, "sha256": digest} | claims
    present = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(present, "" if algorithm == "none" else secret, algorithm)


def send(client: httpx.Client, body: bytes, authorization: str | None = None) -> httpx.Response:
    """Post ``body`` as LiveKit does: with the bare JWT, without ``Bearer``."""
    headers = {"Content-Type": MEDIA_TYPE, "Authorization": authorization or token(body)}
    return client.post(PATH, content=body, headers=headers)


@attrs.frozen(kw_only=True)
class Caller:
    """A phone participant. The service does not ask for one whose event is young."""

    room: str
    room_sid: str
    sid: str = attrs.field(factory=lambda: f"PA_{next(_NUMBERS)}")
    number: str = "+15105550100"
    trunk_number: str = "+15105550199"
    joined_at: float = attrs.field(factory=time.time)
    trunk: dict[str, str] = attrs.field(factory=lambda: RULE)

    def joined(self, status: str = "active") -> bytes:
        return self._event("participant_joined", status)

    def left(self, reason: str = "CLIENT_INITIATED", status: str = "hangup") -> bytes:
        return self._event("participant_left", status, disconnectReason=reason)

    def _event(self, kind: str, status: str, **fields: Any) -> bytes:
        attributes = {
            "sip.phoneNumber": self.number,
            "sip.trunkPhoneNumber": self.trunk_number,
            "sip.callStatus": status,
            **self.trunk,
        }
        participant = {
            "sid": self.sid,
            "identity": f"sip_{self.number}",
            "kind": "SIP",
            "joinedAt": str(int(self.joined_at)),
            "joinedAtMs": str(round(self.joined_at * 1000)),
            "attributes": attributes,
            **fields,
        }
        room = {"name": self.room, "sid": self.room_sid}
        return event(kind, room=room, participant=participant)


@attrs.frozen
class Stored:
    """A row of the inbox."""

    kind: str
    body: bytes
    status: str


def inbox(database: Path) -> dict[str, Stored]:
    """Every event that is stored in a SQLite file, by its id."""
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute("SELECT event_id, kind, body, status FROM inbox").fetchall()
    finally:
        connection.close()
    return {row[0]: Stored(*row[1:]) for row in rows}


def eventually(look: Callable[[], T], holds: Callable[[T], object], seconds: float = 60) -> T:
    """What ``look`` sees once it ``holds``; fails if that does not come to be in time."""
    deadline = time.monotonic() + seconds
    while not holds(seen := look()):
        assert time.monotonic() < deadline, f"still {seen!r}"
        time.sleep(0.02)
    return seen
