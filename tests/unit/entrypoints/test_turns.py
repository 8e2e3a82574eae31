"""Work that takes long, a bounded amount of it at a time."""

from __future__ import annotations

import asyncio

import pytest

from entrypoints.http.middleware.turns import LONG_SECONDS, Turns
from tests.virtual_time import run


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


def test_given_a_long_piece_then_its_client_rests_and_another_does_not() -> None:
    async def scenario() -> list[tuple[str, float]]:
        turns, begun, loop = Turns(most=1, of_one=1, rest=3), [], asyncio.get_running_loop()

        async def work(client: str) -> None:
            async with turns.take(client):
                begun.append((client, round(loop.time(), 3)))
                await asyncio.sleep(0.02)

        await asyncio.gather(*(work(client) for client in ("mallory", "mallory", "ann")))
        await asyncio.sleep(1)
        assert turns._clients == {}
        return begun

    assert run(scenario()) == [("mallory", 0.0), ("ann", 0.02), ("mallory", 0.08)]


def test_given_short_pieces_then_their_client_does_not_rest() -> None:
    async def scenario() -> float:
        turns, loop = Turns(most=1, of_one=1, rest=3), asyncio.get_running_loop()
        for _ in range(3):
            async with turns.take("ann"):
                await asyncio.sleep(LONG_SECONDS / 2)
        return round(loop.time() / LONG_SECONDS, 3)

    assert run(scenario()) == 1.5
