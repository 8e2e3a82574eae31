"""Bursts of webhook events, each posted to every replica at once and in another order to each.

LiveKit does so where its configuration names several webhook URLs.
``python -m tests.faults.bursts`` prints how long answers take with one replica and with two.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import aiohttp
import attrs
import typer
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.models import Room as RoomInfo
from livekit.protocol.webhook import WebhookEvent

from entrypoints.simulator.webhooks import signed_webhook
from entrypoints.simulator.world import new_id
from tests.databases import PostgresServer, running_postgres
from tests.faults.plan import WEBHOOKS
from tests.livekit_server import API_KEY, API_SECRET
from tests.poolers import pooled
from tests.service import running
from tests.simulator import running_simulator

BURST: Final = 40
ROUNDS: Final = 5

Post = tuple[bytes, dict[str, str]]


@attrs.define
class Answers:
    """How often each status came, and the seconds that each answer took."""

    statuses: Counter[int] = attrs.field(factory=Counter)
    seconds: list[float] = attrs.field(factory=list)

    @property
    def p99(self) -> float:
        """The time within which 99 of 100 answers came, in seconds."""
        return statistics.quantiles(self.seconds, n=100)[98]


def events(number: int, poison_every: int = 0) -> list[Post]:
    """So many signed events of rooms of their own, some of which concern people.

    One of ``poison_every`` names a room that no database can index.
    """
    made = []
    for index in range(number):
        room = RoomInfo(name=f"burst-{new_id('')}", sid=new_id("RM_"))
        if poison_every and index % poison_every == 0:
            room.sid *= 1_000
        kind = ("track_published", "participant_joined", "participant_left")[index % 3]
        who = ParticipantInfo(identity=f"user-{index}", sid=new_id("PA_"))
        event = WebhookEvent(
            id=new_id("EV_"), event=kind, created_at=int(time.time()), room=room, participant=who
        )
        made.append(signed_webhook(event, API_KEY, API_SECRET))
    return made


async def post_bursts(urls: Sequence[str], posts: Sequence[Post], seed: int) -> Answers:
    """Post each burst of ``posts`` to all ``urls`` at once, shuffled otherwise for each."""
    answers, shuffle = Answers(), random.Random(seed).shuffle
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(url: str, one: Post) -> None:
            body, headers = one
            began = time.monotonic()
            async with session.post(f"{url}{WEBHOOKS}", data=body, headers=headers) as answer:
                await answer.read()
            answers.seconds.append(time.monotonic() - began)
            answers.statuses[answer.status] += 1

        for first in range(0, len(posts), BURST):
            burst = []
            for url in urls:
                mine = [*posts[first : first + BURST]]
                shuffle(mine)
                burst += [post(url, one) for one in mine]
            await asyncio.gather(*burst)
    return answers


@attrs.define
class Comparison:
    """One replica and two, in turn, on the same database."""

    one: list[Answers] = attrs.field(factory=list)
    two: list[Answers] = attrs.field(factory=list)
    deadlocks: int = 0

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return sum((one.statuses for one in (*self.one, *self.two)), Counter[int]())

    @property
    def ratio(self) -> float:
        """Two replicas' p99 over one's: the median of the rounds."""
        return statistics.median(
            two.p99 / one.p99 for one, two in zip(self.one, self.two, strict=True)
        )


@contextmanager
def two_replicas(postgres: PostgresServer, *, through_pooler: bool) -> Iterator[tuple[str, str]]:
    """The URLs of two services on one new database of ``postgres``."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bursts-")))
        simulator = stack.enter_context(running_simulator())
        direct = postgres.new_database()
        environ = {
            **simulator.environ,
            "DATABASE_URL": direct,
            "TELEPHONY_ENABLED": "true",
            "LOG_LEVEL": "warning",
        }
        if through_pooler:
            environ["DATABASE_URL"] = stack.enter_context(pooled(postgres, direct))
        first, second = (stack.enter_context(running(environ, folder)) for _ in range(2))
        yield first.url, second.url


def compare(
    postgres: PostgresServer,
    number: int,
    *,
    rounds: int = ROUNDS,
    through_pooler: bool = False,
    poison_every: int = 0,
) -> Comparison:
    """Post ``number`` events to one replica, then others to two, in each of so many rounds."""
    found = Comparison()

    def posted(urls: Sequence[str], seed: int) -> Answers:
        return asyncio.run(post_bursts(urls, events(number, poison_every), seed))

    with two_replicas(postgres, through_pooler=through_pooler) as (first, second):
        asyncio.run(post_bursts([first, second], events(5 * BURST), 0))  # warm up
        before = deadlocks(postgres)
        for seed in range(rounds):
            found.one.append(posted([first], seed))
            found.two.append(posted([first, second], seed))
        found.deadlocks = deadlocks(postgres) - before
    return found


def deadlocks(postgres: PostgresServer) -> int:
    """How many PostgreSQL has broken so far."""
    return int(postgres.sql("SELECT sum(deadlocks) FROM pg_stat_database"))


def main(number: int = 800) -> None:
    """Print a Markdown table for docs/reliability.md."""
    typer.echo("| connections | events | responses | deadlocks | p99 one, ms | two, ms | ratio |")
    typer.echo("| --- | --- | --- | --- | --- | --- | --- |")
    for through_pooler in (False, True):
        with running_postgres() as postgres:
            found = compare(postgres, number, through_pooler=through_pooler)
        one, two = (
            statistics.median(answers.p99 for answers in some) * 1000
            for some in (found.one, found.two)
        )
        name = "through PgBouncer (transaction mode)" if through_pooler else "direct"
        statuses = ", ".join(f"{count} of {status}" for status, count in found.statuses.items())
        typer.echo(
            f"| {name} | {2 * ROUNDS * number} | {statuses} | {found.deadlocks} "
            f"| {one:.0f} | {two:.0f} | {found.ratio:.1f} |"
        )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
