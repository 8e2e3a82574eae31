"""A key's live sessions are never more than it may have, whichever processes begin them."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.service import running
from tests.simulator import SimulatorProcess

pytestmark = pytest.mark.slow

KEY = "ann-s-key-of-the-tests"
MOST = 3
AT_ONCE = 16


@pytest.mark.parametrize(("replicas", "workers"), [(2, 1), (1, 2)])
async def test_of_many_that_begin_at_once_no_more_get_an_agent_than_allowed(
    simulator: SimulatorProcess, postgres_url: str, tmp_path: Path, replicas: int, workers: int
) -> None:
    environ = {
        **simulator.environ,
        "DATABASE_URL": postgres_url,
        "API_KEYS": KEY,
        "MAX_SESSIONS_PER_KEY": str(MOST),
        "WORKERS": str(workers),
    }
    before = simulator.state()["requests"].get("CreateDispatch", 0)
    headers = {"X-API-Key": KEY, "Connection": "close"}  # so that the workers take turns
    with ExitStack() as stack:
        urls = [stack.enter_context(running(environ, tmp_path)).url for _ in range(replicas)]
        async with httpx.AsyncClient(timeout=60, headers=headers) as client:

            async def start(number: int) -> httpx.Response:
                url = f"{urls[number % replicas]}/session"
                return await client.post(url, json={"userIdentity": f"user-{number}"})

            answers = await asyncio.gather(*(start(number) for number in range(AT_ONCE)))
            begun = [answer for answer in answers if answer.status_code == 200]
            refused = [answer for answer in answers if answer.status_code != 200]
            assert len(begun) <= MOST
            assert {answer.json()["code"] for answer in refused} == {"too_many_sessions"}
            for _ in range(MOST - len(begun)):  # who was refused takes nobody's place
                assert (await start(0)).status_code == 200
            assert (await start(0)).status_code == 429

    assert simulator.state()["requests"]["CreateDispatch"] == before + MOST
