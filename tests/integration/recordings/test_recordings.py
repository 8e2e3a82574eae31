"""Recordings over HTTP and on the command line, with audio in a folder."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from domain.recordings.recording import Recording, RecordingSource, recording_key
from domain.shared.identifiers import SessionId
from domain.shared.reported import Reported
from entrypoints.container import Container
from entrypoints.settings import load_settings
from tests.databases import sqlite_in
from tests.integration.http.webhooks import eventually, send
from tests.s3 import running_s3
from tests.service import Service, refusal, running
from tests.simulator import SimulatorProcess
from tests.warm_processes import popen

AUDIO = bytes(range(256)) * 1024


@attrs.frozen
class Recorder:
    """A service that stores recordings, and the way to what it stores."""

    service: Service
    client: httpx.Client
    environ: dict[str, str]
    folder: Path

    def session(self, room: str, **body: Any) -> str:
        """Begin a session; return its id."""
        answer = self.client.post(
            "/session", json={"userIdentity": "ann", "roomName": room, **body}
        )
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["sessionId"]
        return session_id

    def report(self, session_id: str, audio: bytes = AUDIO) -> str:
        """Store the audio of a report; return the recording's id."""
        return asyncio.run(_report(self.environ, self.folder, session_id, audio))

    def backend(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with popen(
            "entrypoints.cli", arguments, self.folder, self.environ,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def objects(self) -> set[str]:
        store = self.folder / "recordings"
        return {str(file.relative_to(store)) for file in store.rglob("*.*") if file.is_file()}


async def _report(environ: dict[str, str], folder: Path, session_id: str, audio: bytes) -> str:
    container = Container(settings=load_settings(environ, folder))
    async with container.storage() as storage:
        ids, source = container.ids(), RecordingSource.REPORT
        recording = Recording(
            id=ids.recording_id(),
            reported=Reported(report_id=ids.report_id(), session_id=SessionId(session_id)),
            source=source,
            key="",
            size=len(audio),
            created_at=container.clock().now(),
        )
        key = recording_key(source, recording.id, recording.content_type)

        async def chunks() -> AsyncIterator[bytes]:
            yield audio

        store = container.recording_store()
        assert store is not None
        await store.put(key, chunks(), recording.content_type)
        async with storage.unit_of_work() as work:
            await work.recordings.keep(attrs.evolve(recording, key=key))
            await work.commit()
    return str(recording.id)


@pytest.fixture(scope="module")
def recorder(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recorder]:
    folder = tmp_path_factory.mktemp("recordings")
    simulator_process.register_worker("shreya-obnox")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
        "RECORDINGS_URL": f"file://{folder}/recordings",
        "RECONCILE_INTERVAL_SECONDS": "0.2",
    }
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        yield Recorder(service, client, environ, folder)


def test_audio_is_played_whole_and_in_parts(recorder: Recorder, room: str) -> None:
    session_id = recorder.session(room)
    path = f"/sessions/{session_id}/recording"
    assert recorder.client.get(path).status_code == 404
    recording_id = recorder.report(session_id)

    whole = recorder.client.get(path)
    assert (whole.status_code, whole.content) == (200, AUDIO)
    assert whole.headers["content-type"] == "audio/ogg"
    assert whole.headers["accept-ranges"] == "bytes"
    disposition = f'inline; filename="recording-{recording_id}.ogg"'
    assert whole.headers["content-disposition"] == disposition
    for asked, expected in (("bytes=5-9", AUDIO[5:10]), ("bytes=-7", AUDIO[-7:])):
        part = recorder.client.get(path, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, expected)
        assert part.headers["content-range"].endswith(f"/{len(AUDIO)}")
        assert part.headers["content-length"] == str(len(expected))
    tag = {"Range": "bytes=5-9", "If-Range": whole.headers["etag"]}
    assert recorder.client.get(path, headers=tag).status_code == 206
    assert recorder.client.get(path, headers={**tag, "If-Range": '"x"'}).content == AUDIO
    beyond = recorder.client.get(path, headers={"Range": f"bytes={len(AUDIO)}-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(AUDIO)}"


def test_head_has_the_headers_of_get(recorder: Recorder, room: str) -> None:
    session_id = recorder.session(room)
    recorder.report(session_id)
    path = f"/sessions/{session_id}/recording"
    varying = ("date", "x-request-id", "ratelimit", "ratelimit-policy", "transfer-encoding")

    for headers in ({}, {"Range": "bytes=0-9"}):
        got = recorder.client.get(path, headers=headers)
        looked = recorder.client.head(path, headers=headers)
        assert (looked.status_code, looked.content) == (got.status_code, b"")
        for name in set(got.headers) - {*varying}:
            assert looked.headers[name] == got.headers[name]


def test_a_link_plays_without_a_key_and_is_revoked_by_the_erasure(
    recorder: Recorder, room: str
) -> None:
    session_id = recorder.session(room)
    recording_id = recorder.report(session_id)

    made = recorder.client.post(f"/sessions/{session_id}/recording/link?ttlSeconds=60")
    assert made.status_code == 200, made.text
    url = made.json()["url"]
    assert url.startswith(recorder.service.url)
    assert recorder.client.get(url).content == AUDIO
    assert recorder.client.head(url).status_code == 200
    forged = recorder.client.get(f"{url}x")
    assert (forged.status_code, forged.json()["code"]) == (403, "invalid_link")
    bad = recorder.client.post(f"/sessions/{session_id}/recording/link?ttlSeconds=1e9")
    assert (bad.status_code, bad.json()["field"]) == (400, "ttlSeconds")
    assert "signature" not in recorder.service.output()

    deleted = recorder.backend("recordings", "delete", recording_id, "--yes")
    assert deleted.returncode == 0, deleted.stderr
    assert recorder.client.get(url).status_code == 404
    assert not [name for name in recorder.objects() if recording_id in name]


def test_a_file_that_has_gone_is_a_404_and_noted(recorder: Recorder, room: str) -> None:
    session_id = recorder.session(room)
    recording_id = recorder.report(session_id)
    (recorder.folder / "recordings" / "reports" / f"{recording_id}.ogg").unlink()

    gone = recorder.client.get(f"/sessions/{session_id}/recording")

    assert (gone.status_code, gone.json()["code"]) == (404, "recording_missing")
    [listed] = recorder.client.get(f"/sessions/{session_id}/recordings").json()["recordings"]
    assert listed["missingAt"] is not None


def test_a_session_is_recorded_by_egress(
    recorder: Recorder, room: str, simulator_process: SimulatorProcess
) -> None:
    session_id = recorder.session(room)
    path = f"/sessions/{session_id}/recording"

    def status() -> str:
        [listed] = recorder.client.get(f"{path}s").json()["recordings"]
        return str(listed["status"])

    first = recorder.client.post(f"{path}/start").json()
    again = recorder.client.post(f"{path}/start").json()
    assert (first["source"], first["recordingId"]) == ("egress", again["recordingId"])
    eventually(status, lambda found: found == "active")  # by the reconciler
    assert recorder.client.post(f"{path}/stop").json()["status"] == "ending"
    store = recorder.folder / "recordings" / "egress"
    store.mkdir(exist_ok=True)
    (store / f"{first['recordingId']}.ogg").write_bytes(AUDIO)
    eventually(status, lambda found: found == "available")
    assert recorder.client.get(path).content == AUDIO


def test_a_webhook_tells_of_an_egress(recorder: Recorder, room: str) -> None:
    session_id = recorder.session(room)
    path = f"/sessions/{session_id}/recording"
    started = recorder.client.post(f"{path}/start").json()
    filename = f"{recorder.folder}/recordings/egress/{started['recordingId']}.ogg"
    failed = {
        "id": f"EV_{room}",
        "event": "egress_ended",
        "egressInfo": {
            "egressId": started["egressId"],
            "roomName": room,
            "status": "EGRESS_FAILED",
            "error": "no audio",
            "roomComposite": {"fileOutputs": [{"filepath": filename}]},
        },
    }

    assert send(recorder.client, json.dumps(failed).encode()).status_code == 200

    def listed() -> Any:
        return recorder.client.get(f"{path}s").json()["recordings"][0]

    found = eventually(listed, lambda found: found["status"] == "failed")
    assert "log of the egress service" in found["error"]


def test_without_an_egress_service_the_caller_is_told(
    recorder: Recorder, room: str, simulator_process: SimulatorProcess
) -> None:
    session_id = recorder.session(room)
    path = f"/sessions/{session_id}/recording"
    simulator_process.egress(worker=False)
    try:
        refused = recorder.client.post(f"{path}/start", timeout=30)
    finally:
        simulator_process.egress(worker=True)

    assert (refused.status_code, refused.json()["code"]) == (502, "livekit_without_egress")
    [failed] = recorder.client.get(f"{path}s").json()["recordings"]
    assert failed["status"] == "failed"
    assert recorder.client.post(f"{path}/stop").json()["recordingId"] == failed["recordingId"]


def test_a_session_can_opt_out(recorder: Recorder, room: str) -> None:
    session_id = recorder.session(room, record=False)

    refused = recorder.client.post(f"/sessions/{session_id}/recording/start")

    assert (refused.status_code, refused.json()["code"]) == (409, "recording_refused")
    shown = recorder.client.get(f"/sessions/{session_id}").json()
    assert shown["agentConfig"]["record"] is False


def test_the_command_line_shows_links_and_forgets(recorder: Recorder, room: str) -> None:
    session_id = recorder.session(room, userIdentity="zoe-identity")
    recording_id = recorder.report(session_id)

    listed = recorder.backend("recordings", "list", "--session", session_id)
    assert listed.stdout.startswith(recording_id), listed.stderr
    link = recorder.backend("recordings", "link", recording_id, "--base-url", recorder.service.url)
    assert recorder.client.get(link.stdout.strip()).content == AUDIO, link.stderr
    assert recorder.client.post("/session/end", json={"roomName": room}).status_code == 204
    forgotten = recorder.backend("forget", "--identity", "zoe-identity", "--yes")
    assert "1 recordings" in forgotten.stdout, forgotten.stderr
    assert not [name for name in recorder.objects() if recording_id in name]
    assert recorder.client.get(link.stdout.strip()).status_code == 404


def test_a_client_that_goes_away_leaves_no_open_file(recorder: Recorder, room: str) -> None:
    session_id = recorder.session(room)
    recorder.report(session_id, AUDIO * 200)

    with recorder.client.stream("GET", f"/sessions/{session_id}/recording") as answer:
        next(answer.iter_raw())

    def open_recordings() -> list[str]:
        return [
            file.path
            for process in recorder.service.family()
            for file in process.open_files()
            if "/recordings/" in file.path
        ]

    eventually(open_recordings, lambda found: not found)


def test_audio_is_played_from_a_bucket(
    simulator_process: SimulatorProcess, tmp_path: Path, room: str
) -> None:
    with running_s3() as s3:
        environ = {
            **simulator_process.environ,
            "DATABASE_URL": sqlite_in(tmp_path),
            "RECORDINGS_URL": f"s3://{s3.new_bucket()}/voice",
            "AWS_ENDPOINT_URL": s3.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
            recorder = Recorder(service, client, environ, tmp_path)
            session_id = recorder.session(room)
            recorder.report(session_id, AUDIO * 20)
            path = f"/sessions/{session_id}/recording"

            assert client.get(path).content == AUDIO * 20
            part = client.get(path, headers={"Range": "bytes=100-299"})
            assert (part.status_code, part.content) == (206, AUDIO[100:300])
            assert "unexpected error" not in service.output()


def test_given_a_folder_that_cannot_be_used_then_a_sentence_says_so_and_nothing_starts(
    simulator_process: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": "memory://",
        "RECORDINGS_URL": f"file://{tmp_path}/file/recordings",
    }

    code, output = refusal(environ, tmp_path)

    assert code == 2
    assert output.startswith("RECORDINGS_URL names a folder that cannot be used")
    assert output.count("\n") == 1


def test_nothing_was_unexpected(recorder: Recorder) -> None:
    assert "unexpected error" not in recorder.service.output()
