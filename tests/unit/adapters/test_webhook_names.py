"""Look-ups of webhooks' names, of which some hang."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

from adapters.webhooks import public_network
from adapters.webhooks.public_network import MOST_OF_HOST, Resolver

HEALTHY = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", 443))]


class Names:
    """Answers for names that do not begin with ``dead`` at once, and for those once it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int, _family: int) -> list[Any]:
        self.asked.append(host)
        if host.startswith("dead") and not self.may.wait(60):
            raise OSError("no answer")
        if host.startswith("odd"):
            raise UnicodeError("label too long")
        return HEALTHY


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(public_network, "_look_up", names)
    return names


async def test_given_a_name_that_hangs_then_requests_share_its_look_ups_and_others_go_on(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver()
    shared = [asyncio.create_task(resolver.resolve("dead.example", 443)) for _ in range(50)]
    await asyncio.sleep(0)
    monkeypatch.setattr(public_network, "HANGS_AFTER", 0.0)
    second = asyncio.create_task(resolver.resolve("dead.example", 443))
    await asyncio.sleep(0)

    with pytest.raises(OSError, match="Too many look-ups"):
        await resolver.resolve("dead.example", 443)
    [found] = await resolver.resolve("healthy.example", 443)

    assert found["host"] == "203.0.113.7"
    shared[0].cancel()
    names.may.set()
    answers = await asyncio.gather(*shared[1:], second)
    assert {answer[0]["host"] for answer in answers} == {"203.0.113.7"}
    assert names.asked.count("dead.example") == MOST_OF_HOST
    await resolver.resolve("dead.example", 443)
    assert names.asked.count("dead.example") == MOST_OF_HOST + 1


async def test_there_are_only_so_many_look_ups(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_network, "MOST", 2)
    resolver = Resolver()
    waiting = [asyncio.create_task(resolver.resolve(f"dead-{n}.example", 443)) for n in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(OSError, match="Too many look-ups"):
        await resolver.resolve("healthy.example", 443)
    names.may.set()
    await asyncio.gather(*waiting)
    await resolver.resolve("healthy.example", 443)


@pytest.mark.usefixtures("names")
async def test_a_name_that_cannot_be_encoded_is_an_error_of_the_network() -> None:
    with pytest.raises(OSError, match="label too long"):
        await Resolver().resolve("odd.example", 443)


def test_given_a_look_up_that_hangs_then_the_process_ends_without_it() -> None:
    program = """
        import asyncio, threading
        from adapters.webhooks import public_network

        public_network._look_up = lambda *_: threading.Event().wait()

        async def main():
            asking = asyncio.create_task(public_network.Resolver().resolve("dead.example", 443))
            await asyncio.sleep(0.1)
            asking.cancel()

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
