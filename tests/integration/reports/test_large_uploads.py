"""Large uploads cost no memory, and slow ones hold up no other upload."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from tests.databases import sqlite_in
from tests.integration.reports.test_uploads import PATH, connected, head
from tests.integration.reports.test_uploads import Desk as _Desk
from tests.reports import a_header, an_upload, chat_history, multipart, worker_token
from tests.service import running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
AUDIO = 100 * 1000 * 1000


@pytest.fixture(scope="module")
def desk(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Desk]:
    folder = tmp_path_factory.mktemp("large")
    environ = {
        **simulator_process.environ,
        "DATABASE_URL": sqlite_in(folder),
        "RECORDINGS_URL": f"file://{folder}/recordings",
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with (
        running(environ, folder) as service,
        httpx.Client(base_url=service.url, timeout=120) as client,
    ):
        yield _Desk(service, client, folder / "recordings")


def resident(desk: _Desk) -> int:
    return sum(process.memory_info().rss for process in desk.service.family())


async def test_100_mb_of_audio_pass_in_20_mib(desk: _Desk) -> None:
    desk.upload(header=a_header(job_id="AJ_small"))
    before = peak = resident(desk)
    audio = b"OggS" + bytes(AUDIO)
    uploading = asyncio.create_task(
        asyncio.to_thread(desk.upload, header=a_header(job_id="AJ_large"), audio=audio)
    )
    while not uploading.done():
        peak = max(peak, resident(desk))
        await asyncio.sleep(0.01)

    assert (await uploading).json()["audio"] == "kept"
    assert peak - before < 20 * MIB
    [stored] = [file for file in desk.files() if len(file) > MIB]
    assert stored == audio


def test_a_chat_history_beyond_its_limit_is_refused(desk: _Desk) -> None:
    answer = desk.upload(chat_history=bytes(64 * MIB + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_100_000_items_are_stored_while_others_are_served(desk: _Desk) -> None:
    item = {"type": "message", "role": "user", "content": ["Hello."], "created_at": 1795789012.5}
    items = [{**item, "id": f"item_{number}"} for number in range(100_000)]

    answer = desk.upload(header=a_header(job_id="AJ_long"), chat_history=chat_history(items))

    assert (answer.status_code, answer.json()["transcript"]) == (200, "kept")


def test_uploads_that_do_not_go_on_hold_no_other_up(desk: _Desk) -> None:
    body = multipart(*an_upload())
    begun = head(PATH, worker_token(), f"Content-Length: {len(body)}") + body[:100]
    slow = [connected(desk) for _ in range(60)]
    try:
        for client in slow:
            client.sendall(begun)
        time.sleep(0.5)

        assert desk.upload(header=a_header(job_id="AJ_quick")).status_code == 200
    finally:
        for client in slow:
            with closing(client):
                pass


def test_what_a_killed_service_had_spooled_is_gone(desk: _Desk, tmp_path: Path) -> None:
    """A spool file has no name."""
    body = multipart(*an_upload(chat_history=bytes(8 * MIB)))
    with closing(connected(desk)) as client:
        client.sendall(head(PATH, worker_token(), f"Content-Length: {len(body)}") + body[: 4 * MIB])
        deadline = time.monotonic() + 30
        while not (named := _spools(desk.service.family())) and time.monotonic() < deadline:
            time.sleep(0.05)

    assert named
    assert not any(Path(name).exists() for name in named)


def _spools(family: list[psutil.Process]) -> list[str]:
    """The unnamed files that the processes have open."""
    found = []
    for process in family:
        for file in Path(f"/proc/{process.pid}/fd").iterdir():
            try:
                target = str(file.readlink())
            except OSError:
                continue
            if target.endswith("(deleted)") and "/tmp" in target:
                found.append(target)
    return found
