"""A disk without room: 503, nothing corrupt, nothing acknowledged lost, and recovery by itself.

The file may not grow (RLIMIT_FSIZE, setrlimit(2)), which needs no disk of the test's own.
"""

from __future__ import annotations

import itertools
import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import Service

pytestmark = pytest.mark.slow


def test_without_room_nothing_is_acknowledged_and_with_room_it_goes_on(
    patient: Service, tmp_path: Path
) -> None:
    (worker,) = patient.process.children()
    database = tmp_path / "ledger.db"
    acknowledged: list[str] = []
    called: list[str] = []
    with httpx.Client(base_url=patient.url, timeout=30) as client:

        def post() -> httpx.Response:
            answer = client.post("/session", json={"userIdentity": "ann"})
            if answer.status_code == 200:
                acknowledged.append(answer.json()["sessionId"])
            return answer

        def call(room: str) -> httpx.Response:
            answer = send(client, Caller(room=room, room_sid=f"RM_{room}").joined())
            if answer.status_code == 200:
                called.append(room)
            return answer

        def listed() -> set[str]:
            calls = client.get("/telephony/calls?limit=200").json()["calls"]
            return {call["roomName"] for call in calls}

        for number in range(10):
            assert (post().status_code, call(f"before-{number}").status_code) == (200, 200)
        unlimited = worker.rlimit(resource.RLIMIT_FSIZE)
        largest = max(file.stat().st_size for file in tmp_path.glob("ledger.db*"))
        worker.rlimit(resource.RLIMIT_FSIZE, (largest + 64 * 1024, unlimited[1]))

        rooms = (f"during-{number}" for number in itertools.count())
        full = eventually(lambda: call(next(rooms)), lambda answer: answer.status_code != 200)
        refused = eventually(post, lambda answer: answer.status_code != 200)

        for answer in (full, refused):
            assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
            assert int(answer.headers["retry-after"]) > 0
        assert client.get("/health").status_code == 200
        not_ready = eventually(
            lambda: client.get("/health/ready"), lambda answer: answer.status_code == 503
        )
        assert not_ready.json()["checks"]["database"]["status"] == "failed"
        assert "\nbackend_ledger_up 0.0\n" in eventually(
            lambda: client.get("/metrics").text, lambda text: "\nbackend_ledger_up 0.0\n" in text
        )
        for session_id in acknowledged:  # what there is can still be read
            assert client.get(f"/sessions/{session_id}").status_code == 200

        worker.rlimit(resource.RLIMIT_FSIZE, unlimited)

        eventually(post, lambda answer: answer.status_code == 200)
        assert call("after").status_code == 200
        eventually(listed, lambda rooms: rooms >= set(called))
        for session_id in acknowledged:
            assert client.get(f"/sessions/{session_id}").status_code == 200
        eventually(lambda: client.get("/health/ready"), lambda answer: answer.status_code == 200)
        eventually(
            lambda: client.get("/metrics").text, lambda text: "\nbackend_ledger_up 1.0\n" in text
        )
    assert patient.stop() == 0
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = {row[0] for row in connection.execute("SELECT id FROM sessions")}
    assert stored >= set(acknowledged)
