"""kill -9 between each two steps of an upload: nothing is lost, doubled, or left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import httpx
import pytest

from adapters.object_store.files import FileStore
from adapters.object_store.s3 import S3Store, bucket_at
from adapters.sqlalchemy.storage import SqlStorage
from domain.recordings.store import RecordingStore
from domain.recordings.sweep_store import MARKER, ORPHANED_SWEEPS, SWEPT_EVERY, SweepStore
from domain.reports.choose_session import agent_of
from domain.sessions.session import Session
from tests.contract.storage.ledgers import new_session
from tests.databases import PostgresServer
from tests.faults.dying_service import STEPS
from tests.livekit_server import API_KEY, API_SECRET, free_port
from tests.reports import JOB, OGG, ROOM_SID, an_upload, multipart, worker_token
from tests.s3 import CREDENTIALS, S3, running_s3
from tests.service import running
from tests.unit.reports.reported import ANNOUNCED
from tests.unit.worlds.fakes import FakeClock, SequentialIds

pytestmark = pytest.mark.slow

AUDIO = OGG + bytes(4_000_000)
DYING = "tests.faults.dying_service"


@attrs.frozen(kw_only=True)
class Deployment:
    """A ledger, a store of recordings, and the environment of a service on both."""

    database_url: str
    store: RecordingStore
    environ: Mapping[str, str]
    folder: Path

    async def begin(self) -> Session:
        """A session whose agent does the job that will be reported on."""
        session = new_session(room_sid=ROOM_SID, agent_identity=agent_of(JOB))
        async with SqlStorage(self.database_url) as ledger, ledger.unit_of_work() as work:
            await work.sessions.add(session)
            await work.commit()
        return session

    def upload(self, url: str) -> httpx.Response:
        return httpx.post(
            f"{url}/observability/recordings/v0",
            content=multipart(*an_upload(audio=AUDIO)),
            headers={
                "Authorization": f"Bearer {worker_token()}",
                "Content-Type": "multipart/form-data; boundary=b7c1",
            },
            timeout=60,
        )

    async def sweep(self, hours: int) -> set[str]:
        """What is in the store after so many sweeps."""
        clock = FakeClock()
        clock.step(datetime.now(UTC) - clock.now())
        async with SqlStorage(self.database_url) as ledger:
            sweep = SweepStore(
                unit_of_work=ledger.unit_of_work,
                notes=ledger.sweep_notes,
                store=self.store,
                clock=clock,
                ids=SequentialIds(),
            )
            for _ in range(hours):
                clock.advance(SWEPT_EVERY + timedelta(minutes=1))
                assert (await sweep()).held is None
        return {each.key async for found in self.store.list() for each in found} - {MARKER}

    async def events(self) -> list[str]:
        async with SqlStorage(self.database_url) as ledger:
            found = await ledger.outbox.after(0, 1000)
        return [event.kind for event in found if event.source == "worker"]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with running_s3() as s3:
        yield s3


@pytest.fixture(params=["SQLite and a folder", "PostgreSQL and a bucket"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    environ = {
        "LIVEKIT_URL": f"ws://127.0.0.1:{free_port()}",
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    if "SQLite" in request.param:
        url: str = request.getfixturevalue("sqlite_url")
        environ |= {"DATABASE_URL": url, "RECORDINGS_URL": f"file://{tmp_path}/recordings"}
        return Deployment(
            database_url=url,
            store=FileStore(tmp_path / "recordings"),
            environ=environ,
            folder=tmp_path,
        )
    postgres: PostgresServer = request.getfixturevalue("postgres")
    url = postgres.new_database()
    s3: S3 = request.getfixturevalue("s3")
    bucket, config = s3.new_bucket(), {**CREDENTIALS, "endpoint": s3.url}
    environ |= {
        "DATABASE_URL": url,
        "RECORDINGS_URL": f"s3://{bucket}/calls",
        "AWS_ENDPOINT_URL": s3.url,
        "AWS_REGION": CREDENTIALS["region"],
        "AWS_ACCESS_KEY_ID": CREDENTIALS["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["secret_access_key"],
    }
    store = S3Store(bucket_at(bucket, "calls", config, allow_http=True))
    return Deployment(database_url=url, store=store, environ=environ, folder=tmp_path)


def shown(url: str, session: Session) -> list[httpx.Response]:
    """The session's transcript, its usage, its recordings, and the newest one's audio."""
    paths = ("transcript", "usage", "recordings", "recording")
    return [httpx.get(f"{url}/sessions/{session.id}/{path}", timeout=60) for path in paths]


@pytest.mark.parametrize("step", STEPS)
async def test_given_a_service_that_dies_in_an_upload_then_the_next_one_makes_it_whole(
    deployment: Deployment, step: str
) -> None:
    session = await deployment.begin()
    with running({**deployment.environ, "DIES": step}, deployment.folder, DYING) as service:
        with pytest.raises(httpx.TransportError):
            deployment.upload(service.url)
        service.kill()

    with running(deployment.environ, deployment.folder) as service:
        answers = [deployment.upload(service.url) for _ in range(2)]
        transcript, usage, listed, recording = shown(service.url, session)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [item["text"] for item in transcript.json()["items"]] == [
        "When do you open?",
        "At nine.",
    ]
    assert [model["inputTokens"] for model in usage.json()["models"]] == [120]
    assert recording.content == AUDIO
    [known] = listed.json()["recordings"]
    assert sorted(await deployment.events()) == sorted(ANNOUNCED)
    left = await deployment.sweep(ORPHANED_SWEEPS + 2)
    assert left == {f"reports/{known['recordingId']}.ogg"}
