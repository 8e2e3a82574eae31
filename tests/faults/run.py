"""A fault run: calls through a LiveKit on which all goes wrong, and a service that is killed.

``python -m tests.faults.run`` prints the table of docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import httpx
import typer

from tests.databases import PostgresServer, running_postgres
from tests.livekit_server import free_port
from tests.service import Service, migrate, start
from tests.simulator import SimulatorProcess, running_simulator

AGENT = "shreya-obnox"
WEBHOOKS = "/telephony/livekit-webhook"
LIVE = ("created", "ringing", "active")
SETTLES_WITHIN = 15.0
"""Seconds from the last event until every call is in its true state."""


@attrs.frozen(kw_only=True)
class Plan:
    """What is to go wrong. Times are in seconds."""

    storage: str
    replicas: int
    calls: int = 2000
    over: float = 100.0
    lose: float = 0.2
    double: float = 0.2
    delay: float = 3.0
    fail: float = 0.1
    kill_every: float = 5.0
    seed: int = 1


@attrs.define(kw_only=True)
class Outcome:
    """What came of it; ``problems`` are sentences about what should never be."""

    plan: Plan
    stays: int = 0
    kills: int = 0
    events: int = 0
    lost: int = 0
    acknowledged: int = 0
    requests: int = 0
    known: int = 0
    unknowable: int = 0
    repeats: int = 0
    most_agents: int = 0
    served: int = 0
    live: int = 0
    true_after: float | None = None
    served_after: float | None = None
    problems: list[str] = attrs.field(factory=list)


@attrs.define
class Stay:
    """One caller's stay in one room, as it really was."""

    room: str
    identity: str
    participant_sid: str
    number: str
    answered: bool = False
    left: bool = False


class Callers:
    """People who call, talk and hang up, by the simulator's control routes."""

    def __init__(self, plan: Plan, simulator: SimulatorProcess) -> None:
        self.stays: list[Stay] = []
        self._plan = plan
        self._base = f"http://127.0.0.1:{simulator.port}/simulator/rooms"
        self._random = random.Random(plan.seed)

    async def call(self) -> None:
        """All calls, evenly spread over the time of the plan; the last ones go on."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for number in range(self._plan.calls):
                stays_on = number >= self._plan.calls * 0.97
                group.create_task(self._one(session, number, stays_on=stays_on))
                await asyncio.sleep(self._plan.over / self._plan.calls)

    async def _one(self, session: aiohttp.ClientSession, number: int, *, stays_on: bool) -> None:
        """Every tenth room has a second telephone; every tenth name was used before."""
        again = number % 10 == 1 and number > 200
        room = f"call-_+1510555{number - 200 if again else number:04}"
        identity = f"sip_+1510555{number:04}"
        stay = await self._join(session, room, identity, f"+1510555{number:04}")
        second = None
        if number % 10 == 2:
            second = await self._join(session, room, f"{identity}x", f"+1415555{number:04}")
        await asyncio.sleep(self._random.uniform(0.1, 1))
        await session.patch(
            self._path(room, identity), json={"attributes": {"sip.callStatus": "active"}}
        )
        stay.answered = True
        if stays_on:
            return
        await asyncio.sleep(self._random.uniform(2, 8))
        if number % 10 == 3:  # the same caller's connection is made anew
            stay.left = True
            stay = await self._join(session, room, identity, stay.number)
            await asyncio.sleep(self._random.uniform(0.3, 3))
        if number % 3:
            await session.delete(self._path(room, identity))
            stay.left = True
            await asyncio.sleep(self._random.uniform(0, 1))
        await session.delete(f"{self._base}/{room}")
        stay.left = True
        if second is not None:
            second.left = True

    async def _join(
        self, session: aiohttp.ClientSession, room: str, identity: str, number: str
    ) -> Stay:
        attributes = {
            "sip.phoneNumber": number,
            "sip.trunkPhoneNumber": "+15105550000",
            "sip.callStatus": "ringing",
            "sip.ruleID": "SDR_1",
            "sip.callID": f"SCL_{len(self.stays)}",
        }
        body = {"identity": identity, "kind": "SIP", "attributes": attributes}
        async with session.post(f"{self._base}/{room}/participants", json=body) as response:
            stay = Stay(room, identity, (await response.json())["sid"], number)
        self.stays.append(stay)
        return stay

    def _path(self, room: str, identity: str) -> str:
        return f"{self._base}/{room}/participants/{identity}"


class Replicas:
    """The service's processes, each on its own port for good."""

    def __init__(self, ports: list[int], environ: Mapping[str, str], folder: Path) -> None:
        self.kills = 0
        self._ports = ports
        self._environ = environ
        self._folder = folder
        self._running: dict[int, Service] = {}

    def start(self) -> None:
        for port in self._ports:
            self._running[port] = self._start(port)

    def _start(self, port: int) -> Service:
        return start({**self._environ, "PORT": str(port)}, self._folder)

    def url(self) -> str:
        return self._running[self._ports[0]].url

    async def die_in_turn(self, every: float, enough: asyncio.Event) -> None:
        """Kill one after another as ``kill -9`` does, and start it again at once."""
        while not enough.is_set():
            try:
                async with asyncio.timeout(every):
                    await enough.wait()
                return
            except TimeoutError:
                pass
            port = self._ports[self.kills % len(self._ports)]
            self.kills += 1
            await asyncio.to_thread(self._running[port].kill)
            self._running[port] = await asyncio.to_thread(self._start, port)

    def stop(self) -> None:
        for service in self._running.values():
            if service.process.is_running():
                service.kill()

    def output(self) -> str:
        return "".join(log.read_text(errors="replace") for log in self._folder.glob("*.log"))


async def run(plan: Plan, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Carry ``plan`` out and compare."""
    outcome = Outcome(plan=plan)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        ports = [free_port() for _ in range(plan.replicas)]
        urls = [f"http://127.0.0.1:{port}{WEBHOOKS}" for port in ports]
        simulator = stack.enter_context(running_simulator(urls))
        postgres = stack.enter_context(running_postgres()) if plan.storage == "postgresql" else None
        database_url = f"sqlite+aiosqlite:///{folder}/ledger.db"
        if postgres is not None:
            database_url = postgres.new_database()
        environ = {
            **simulator.environ,
            "DATABASE_URL": database_url,
            "TELEPHONY_ENABLED": "true",
            "RECONCILE_INTERVAL_SECONDS": "3",
        }
        migrate(environ, folder)
        simulator.register_worker(AGENT, 30)
        replicas = Replicas(ports, environ, folder)
        stack.callback(replicas.stop)
        replicas.start()
        simulator.chaos(
            lose=plan.lose,
            double=plan.double,
            delay_seconds=plan.delay,
            fail_after_applying=plan.fail,
            seed=plan.seed,
        )
        callers = Callers(plan, simulator)
        began = time.monotonic()
        enough = asyncio.Event()
        killing = asyncio.create_task(replicas.die_in_turn(plan.kill_every, enough))
        await callers.call()
        say(f"{plan.calls} calls in {time.monotonic() - began:.0f} s")
        await nothing_pends(simulator)
        last_event = time.monotonic()
        say(f"last event after {last_event - began:.0f} s")
        enough.set()
        await killing
        outcome.kills = replicas.kills
        outcome.stays = len(callers.stays)
        calls = await settled(outcome, callers.stays, replicas, last_event)
        compare(outcome, callers.stays, calls, simulator)
        await check_inbox(outcome, simulator, lambda: inbox_of(database_url, postgres))
        if "Traceback" in replicas.output():
            outcome.problems.append("a traceback: " + replicas.output()[-3000:])
    return outcome


async def nothing_pends(simulator: SimulatorProcess) -> None:
    """Until each event came or was given up."""
    while (await asyncio.to_thread(simulator.webhooks))["pending"]:  # noqa: ASYNC110 - a process
        await asyncio.sleep(0.5)


async def settled(
    outcome: Outcome, stays: list[Stay], replicas: Replicas, last_event: float
) -> dict[str, dict[str, Any]]:
    """The calls once they are true, or as they are when that takes too long."""
    while True:
        calls = await asyncio.to_thread(read_calls, replicas.url(), LIVE)
        wrong = differences(stays, calls)
        unserved = [f"{key} has no agent" for key, call in calls.items() if is_unserved(call)]
        after = time.monotonic() - last_event
        if not wrong and outcome.true_after is None:
            outcome.true_after = after
        if not unserved and outcome.served_after is None:
            outcome.served_after = after
        if not (wrong or unserved) or after > 2 * SETTLES_WITHIN:
            break
        await asyncio.sleep(0.25)
    outcome.problems += wrong + unserved
    if outcome.true_after is None or outcome.true_after > SETTLES_WITHIN:
        outcome.problems.append(f"not true within {SETTLES_WITHIN} s: {outcome.true_after}")
    return await asyncio.to_thread(read_calls, replicas.url())


def read_calls(url: str, statuses: Sequence[str] = ("",)) -> dict[str, dict[str, Any]]:
    """Every call of these statuses by its stay, through the API, page by page."""
    calls: dict[str, dict[str, Any]] = {}
    with httpx.Client(base_url=url, timeout=30) as client:
        for status in statuses:
            cursor: str | None = ""
            while cursor is not None:
                query = {"status": status, "limit": "200", "cursor": cursor}
                page = client.get("/telephony/calls", params=query).raise_for_status().json()
                for call in page["calls"]:
                    key = f"{call['roomName']} {call['participantIdentity']} {call['createdAt']}"
                    assert key not in calls or status, f"two calls of one stay: {key}"
                    calls[key] = call
                cursor = page["nextCursor"]
    return calls


def is_unserved(call: Mapping[str, Any]) -> bool:
    return call["endedAt"] is None and not call["agentDispatched"]


def differences(stays: list[Stay], calls: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where the ledger isn't true."""
    found: list[str] = []
    live = {(call["roomName"], call["participantIdentity"]): call for call in calls.values()
            if call["endedAt"] is None}  # fmt: skip
    there = {(stay.room, stay.identity): stay for stay in stays if not stay.left}
    found += [f"{key} is there and has no live call" for key in there.keys() - live.keys()]
    found += [f"{key} has gone and has a live call" for key in live.keys() - there.keys()]
    for key in live.keys() & there.keys():
        status = "active" if there[key].answered else "ringing"
        if live[key]["status"] != status:
            found.append(f"{key} is {live[key]['status']}, not {status}")
    return found


def compare(
    outcome: Outcome,
    stays: list[Stay],
    calls: Mapping[str, Mapping[str, Any]],
    simulator: SimulatorProcess,
) -> None:
    """Count, and look for what should never be."""
    outcome.known = len(calls)
    outcome.unknowable = outcome.stays - outcome.known
    outcome.live = sum(not stay.left for stay in stays)
    outcome.served = sum(bool(call["agentDispatched"]) for call in calls.values())
    if len(calls) > len(stays):
        outcome.problems.append(f"{len(calls)} calls of {len(stays)} stays")
    real = {(stay.room, stay.identity, stay.number) for stay in stays}
    outcome.problems += [
        f"a call of nobody: {key}"
        for key, call in calls.items()
        if (call["roomName"], call["participantIdentity"], call["from"]) not in real
    ]
    record = simulator.agents_record()
    outcome.most_agents = max(record["most"].values(), default=0)
    if outcome.most_agents > 1:
        outcome.problems.append(f"{outcome.most_agents} agents in a room")
    outcome.problems += [
        f"{count['live']} dispatches in {sid}"
        for sid, count in record["dispatches"].items()
        if count["live"] > 1
    ]
    outcome.requests = sum(simulator.state()["requests"].values())


def inbox_of(database_url: str, postgres: PostgresServer | None) -> dict[str, str]:
    """The status of each event in the inbox, read past the service."""
    query = "SELECT event_id, status FROM inbox"
    if postgres is None:
        with sqlite3.connect(database_url.removeprefix("sqlite+aiosqlite:///")) as connection:
            return dict(connection.execute(query).fetchall())
    name = database_url.split("/")[3].split("?", maxsplit=1)[0]
    lines = postgres.sql(query, name).splitlines()
    return dict(line.split("|", maxsplit=1) for line in lines)


async def check_inbox(
    outcome: Outcome, simulator: SimulatorProcess, read_inbox: Callable[[], Mapping[str, str]]
) -> None:
    # What is acknowledged by now must be there afterwards.
    events = simulator.webhooks()["events"]
    deadline = time.monotonic() + 3 * SETTLES_WITHIN
    inbox = read_inbox()
    while set(inbox.values()) - {"handled"} and time.monotonic() < deadline:
        await asyncio.sleep(1)
        inbox = read_inbox()
    acknowledged = [event for event in events if event["acknowledged"]]
    outcome.events = len(events)
    outcome.lost = len(events) - len(acknowledged)
    outcome.acknowledged = len(acknowledged)
    outcome.repeats = sum(event["acknowledged"] - 1 for event in acknowledged)
    missing = [event["id"] for event in acknowledged if event["id"] not in inbox]
    if missing:
        outcome.problems.append(f"{len(missing)} acknowledged events are lost")
    unhandled = [one for one, status in inbox.items() if status != "handled"]
    if unhandled:
        outcome.problems.append(f"{len(unhandled)} events are not handled")


HEADINGS = (
    "storage", "replicas", "calls", "events", "never came", "repeats", "failed answers",
    "kill -9", "acknowledged and lost", "rooms with two agents", "calls in a wrong state",
    "true after", "agent on each after", "calls nobody told of",
)  # fmt: skip


def row(outcome: Outcome) -> list[str]:
    plan = outcome.plan
    lost = next((p.split()[0] for p in outcome.problems if "events are lost" in p), "0")
    wrong = sum("live call" in p or ", not " in p for p in outcome.problems)
    return [
        plan.storage, str(plan.replicas), str(outcome.stays), str(outcome.events),
        str(outcome.lost), str(outcome.repeats), f"{plan.fail:.0%} of {outcome.requests}",
        str(outcome.kills), lost, "0" if outcome.most_agents <= 1 else "some", str(wrong),
        "never" if outcome.true_after is None else f"{outcome.true_after:.1f} s",
        "never" if outcome.served_after is None else f"{outcome.served_after:.1f} s",
        str(outcome.unknowable),
    ]  # fmt: skip


def main(calls: int = 2000, over: float = 100.0, seed: int = 1, only: str = "") -> None:
    """Run on SQLite, and on PostgreSQL with two replicas, and print a Markdown table."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    problems = []
    for storage, replicas in (("sqlite", 1), ("postgresql", 2)):
        if only not in ("", storage):
            continue
        plan = Plan(storage=storage, replicas=replicas, calls=calls, over=over, seed=seed)
        outcome = asyncio.run(run(plan, typer.echo))
        problems += outcome.problems
        lines.append("| " + " | ".join(row(outcome)) + " |")
    typer.echo("\n".join(lines))
    for problem in problems:
        typer.echo(f"PROBLEM: {problem}")
    raise typer.Exit(bool(problems))


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
