"""Work that takes long, a bounded amount of it at a time."""

from __future__ import annotations

import asyncio

import pytest

from entrypoints.http.turns import Turns


async def test_a_client_waits_for_itself_and_another_does_not() -> None:
    turns, done, go_on = Turns(most=10, of_one=2), list[str](), asyncio.Event()

    async def work(client: str) -> None:
        async with turns.take(client):
            done.append(client)
            await go_on.wait()

    tasks = [asyncio.create_task(work(client)) for client in ["mallory"] * 50 + ["ann"]]
    await asyncio.sleep(0.01)
    assert done == ["mallory", "mallory", "ann"]

    go_on.set()
    await asyncio.gather(*tasks)
    assert len(done) == 51


async def test_all_clients_together_have_a_limit_too() -> None:
    turns, at_once, most = Turns(most=3, of_one=2), 0, 0

    async def work(client: str) -> None:
        nonlocal at_once, most
        async with turns.take(client):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    await asyncio.gather(*(work(f"client {number % 7}") for number in range(70)))

    assert most == 3


async def test_given_one_that_gives_up_waiting_then_its_turn_goes_to_the_next() -> None:
    turns = Turns(most=1, of_one=1)
    async with turns.take("ann"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), turns.take("ann"):
                pass

    async with asyncio.timeout(1), turns.take("ann"):
        pass
    assert turns._clients == {}
