"""Compare the ledger with what is in the simulator's rooms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs
import httpx

Entries = list[dict[str, Any]]


@attrs.frozen
class Room:
    """A room as it is: its callers, its other users and its agents, by identity."""

    callers: Mapping[str, str]
    """Their SIP call status."""
    users: frozenset[str]
    agents: frozenset[str]

    @property
    def has_people(self) -> bool:
        return bool(self.callers or self.users)


def rooms_of(state: Mapping[str, Any]) -> dict[str, Room]:
    """The rooms of the simulator's state, by name."""
    return {room["name"]: _room(room["participants"]) for room in state["rooms"]}


def _room(participants: Iterable[Mapping[str, Any]]) -> Room:
    kinds = [(one.get("kind", "STANDARD"), one["identity"], one) for one in participants]
    return Room(
        callers={
            identity: one["attributes"]["sip.callStatus"]
            for kind, identity, one in kinds
            if kind == "SIP"
        },
        users=frozenset(identity for kind, identity, _ in kinds if kind == "STANDARD"),
        agents=frozenset(identity for kind, identity, _ in kinds if kind == "AGENT"),
    )


def read_all(url: str, path: str, statuses: Sequence[str] = ("",)) -> Entries:
    """Every entry of these statuses, through the API, page by page."""
    entries: Entries = []
    with httpx.Client(base_url=url, timeout=30) as client:
        for status in statuses:
            cursor: str | None = ""
            while cursor is not None:
                query = {"status": status, "limit": "200", "cursor": cursor}
                page = client.get(path, params=query).raise_for_status().json()
                entries += page[path.rsplit("/", maxsplit=1)[-1]]
                cursor = page["nextCursor"]
    return entries


def differences(
    rooms: Mapping[str, Room], calls: Entries, sessions: Entries, known: Collection[str]
) -> list[str]:
    """Where the ledger isn't true, or a room isn't served as it should be.

    ``calls`` and ``sessions`` live; ``known`` are the rooms of all sessions that the ledger has.
    """
    return [*_of_calls(rooms, calls), *_of_sessions(rooms, sessions, known)]


def _of_calls(rooms: Mapping[str, Room], calls: Entries) -> list[str]:
    live = {(call["roomName"], call["participantIdentity"]): call for call in calls}
    there = {
        (name, identity): status
        for name, room in rooms.items()
        for identity, status in room.callers.items()
    }
    found = [f"{key} is there and has no live call" for key in there.keys() - live.keys()]
    found += [f"{key} has gone and has a live call" for key in live.keys() - there.keys()]
    if len(live) < len(calls):
        found.append(f"{len(calls)} live calls of {len(live)} callers")
    for key in live.keys() & there.keys():
        if live[key]["status"] != there[key]:
            found.append(f"{key} is {live[key]['status']}, not {there[key]}")
        if not live[key]["agentDispatched"]:
            found.append(f"{key} has no agent by the ledger")
    return found


def _of_sessions(rooms: Mapping[str, Room], sessions: Entries, known: Collection[str]) -> list[str]:
    live = {session["roomName"]: session for session in sessions}
    # One that LiveKit never made a room for waits for its user to try again, for ten minutes.
    waiting = {name for name, one in live.items() if not one["dispatchedAt"] and not one["roomSid"]}
    closed = live.keys() - rooms.keys() - waiting
    found = [f"{name} is closed and has a live session" for name in closed]
    if len(live) < len(sessions):
        found.append(f"{len(sessions)} live sessions in {len(live)} rooms")
    for name, room in rooms.items():
        session = live.get(name)
        if session is None:
            # Alone in a room of which a restored backup knows nothing, it may be another program's:
            # it stays until LiveKit closes the room.
            if room.has_people or (room.agents and name in known):
                found.append(f"{name} has no live session: {room}")
            continue
        if len(room.agents) > 1 or (room.has_people and not room.agents):
            found.append(f"{len(room.agents)} agents in {name}")
        if room.agents and session["status"] != "active":
            found.append(f"{name} has its agent, and its session is {session['status']}")
    return found
