"""A disk without room: 503, nothing corrupt, nothing acknowledged lost, and recovery by itself.

The file may not grow (RLIMIT_FSIZE, setrlimit(2)), which needs no disk of the test's own.
"""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.integration.http.webhooks import Caller, eventually, send
from tests.service import Service


def test_without_room_nothing_is_acknowledged_and_with_room_it_goes_on(
    patient: Service, tmp_path: Path
) -> None:
    (worker,) = patient.process.children()
    database = tmp_path / "ledger.db"
    acknowledged = []
    with httpx.Client(base_url=patient.url, timeout=30) as client:

        def post() -> httpx.Response:
            answer = client.post("/session", json={"userIdentity": "ann"})
            if answer.status_code == 200:
                acknowledged.append(answer.json()["sessionId"])
            return answer

        assert post().status_code == 200
        unlimited = worker.rlimit(resource.RLIMIT_FSIZE)
        largest = max(file.stat().st_size for file in tmp_path.glob("ledger.db*"))
        worker.rlimit(resource.RLIMIT_FSIZE, (largest + 64 * 1024, unlimited[1]))

        refused = eventually(post, lambda answer: answer.status_code != 200)

        assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert client.get("/health").status_code == 200
        body = Caller(room="full", room_sid="RM_full").joined()
        assert send(client, body).status_code == 503  # LiveKit sends it again
        for session_id in acknowledged:  # what there is can still be read
            assert client.get(f"/sessions/{session_id}").status_code == 200

        worker.rlimit(resource.RLIMIT_FSIZE, unlimited)

        eventually(post, lambda answer: answer.status_code == 200)
        assert send(client, body).status_code == 200
        for session_id in acknowledged:
            assert client.get(f"/sessions/{session_id}").status_code == 200
        assert client.get("/health/ready").status_code == 200
    assert patient.stop() == 0
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (stored,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    assert stored >= len(acknowledged) > 2
