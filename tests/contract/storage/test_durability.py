"""What is committed is there for everybody, whoever dies."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

from domain.access.access import SYSTEM
from domain.sessions.session_store import SessionStore
from domain.shared.identifiers import SessionId
from tests.contract.storage.ledgers import new_session, opened
from tests.service import PROJECT

ADD_AND_DIE = """
import asyncio, os, signal, sys
from domain.sessions.session_store import SessionStore
from tests.contract.storage.ledgers import new_session, opened

async def main():
    async with opened(sys.argv[1]) as storage:
        for _ in range(10):
            session = await SessionStore(storage.unit_of_work).add(new_session())
            print(f'"{session.id}"', flush=True)
        async with storage.unit_of_work() as work:
            lost = new_session()
            await work.sessions.add(lost)
            print(f'"{lost.id}"', flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_second_connection_sees_what_the_first_has_committed(sql_url: str) -> None:
    async with opened(sql_url) as one, opened(sql_url) as other:
        session = await SessionStore(one.unit_of_work).add(new_session())
        assert await SessionStore(other.unit_of_work).get(session.id, SYSTEM) == session


async def test_what_is_committed_survives_closing(sql_url: str) -> None:
    session = new_session()
    async with opened(sql_url) as ledger:
        await SessionStore(ledger.unit_of_work).add(session)
    async with opened(sql_url) as ledger:
        assert await SessionStore(ledger.unit_of_work).get(session.id, SYSTEM) == session


async def test_what_is_committed_survives_the_processs_death(sql_url: str) -> None:
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ADD_AND_DIE, sql_url],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    *committed, lost = [SessionId(json.loads(line)) for line in died.stdout.splitlines()]
    assert len(committed) == 10
    async with opened(sql_url) as storage:
        ledger = SessionStore(storage.unit_of_work)
        for session_id in committed:
            assert await ledger.get(session_id, SYSTEM) is not None
        assert await ledger.get(lost, SYSTEM) is None
