"""A fault run: people in rooms of a LiveKit on which all goes wrong, and a service that is killed.

``python -m tests.faults.run`` prints the table of docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import attrs
import typer

from tests.databases import running_postgres
from tests.faults.people import Callers, Rooms, Users
from tests.faults.plan import AGENT, WEBHOOKS, Outcome, Plan
from tests.faults.replicas import Replicas, SessionStore
from tests.faults.table import HEADINGS, row
from tests.faults.trouble import Trouble
from tests.faults.truth import differences, read_all, rooms_of
from tests.faults.verdict import judge_agents, judge_calls, judge_inbox, judge_the_run
from tests.livekit_server import free_port
from tests.machine import Machine
from tests.simulator import SimulatorProcess, running_simulator

LIVE_CALLS = ("created", "ringing", "active")
LIVE_SESSIONS = ("created", "agent_dispatched", "active", "dispatch_failed")

Say = Callable[[str], None]


async def run(plan: Plan, say: Say = lambda _: None) -> Outcome:
    """Carry ``plan`` out and compare."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        trouble = _set_up(plan, folder, stack)
        stack.callback(trouble.replicas.stop)
        began = time.monotonic()
        trouble.replicas.start()
        start = (time.monotonic() - began) / plan.replicas
        trouble.plan = plan.stretched(start)
        return await Run(trouble.plan, trouble, say).carry_out()


def _set_up(plan: Plan, folder: Path, stack: ExitStack) -> Trouble:
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
        "RECONCILE_INTERVAL_SECONDS": str(plan.interval),
        "AGENT_JOIN_TIMEOUT_SECONDS": "30",
    }
    simulator.register_worker(AGENT, 30)
    machine = Machine(folder / "clock")
    machine.set(0)
    replicas = Replicas(ports, environ, folder, machine if plan.is_skewed else None)
    return Trouble(plan, simulator, replicas, SessionStore(database_url, folder, postgres), machine)


@attrs.define
class Run:
    """One run, from the first call until the ledger is true."""

    plan: Plan
    trouble: Trouble
    say: Say
    outcome: Outcome = attrs.field(init=False)
    _began: float = attrs.field(factory=time.monotonic, init=False)

    @outcome.default
    def _new_outcome(self) -> Outcome:
        return Outcome(plan=self.plan)

    @property
    def simulator(self) -> SimulatorProcess:
        return self.trouble.simulator

    async def carry_out(self) -> Outcome:
        """People come and go while all goes wrong; then compare."""
        self.trouble.begin()
        calm, keep_pace, enough = self.trouble.over, self.trouble.keep_pace, asyncio.Event()
        callers = Callers(self.plan, calm, keep_pace)
        users = Users(self.plan, self.trouble.replicas.urls, calm, keep_pace)
        killing = asyncio.create_task(self.trouble.kill_in_turn(enough))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            rooms = Rooms(session, self.simulator)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.trouble.happen())
                group.create_task(callers.call(rooms))
                group.create_task(users.come(session, rooms))
        self._note("everybody came")
        self.trouble.end()
        await self._until_no_event_pends()
        self._note("last event")
        enough.set()
        await killing
        last_event = time.monotonic()
        await self._settle(last_event)
        self.outcome.kills = self.trouble.replicas.kills
        self.outcome.sessions, self.outcome.refused = users.started, users.refused
        await self._judge(callers)
        return self.outcome

    async def _until_no_event_pends(self) -> None:
        """Wait until each event came or was given up."""
        while (await asyncio.to_thread(self.simulator.webhooks))["pending"]:  # noqa: ASYNC110
            await asyncio.sleep(0.5)

    async def _settle(self, last_event: float) -> None:
        """Wait until the ledger is true, or that takes too long."""
        while True:
            wrong = await asyncio.to_thread(self._differences)
            after = time.monotonic() - last_event
            if not wrong:
                self.outcome.true_after = after
                self._note("true")
                return
            if after > self.plan.settles_within:
                self.outcome.wrong = len(wrong)
                self.outcome.problems += wrong
                return
            await asyncio.sleep(0.5)

    def _differences(self) -> list[str]:
        url = self.trouble.replicas.urls()[0]
        calls = read_all(url, "/telephony/calls", LIVE_CALLS)
        sessions = read_all(url, "/sessions")
        live = [session for session in sessions if session["status"] in LIVE_SESSIONS]
        known = {session["roomName"] for session in sessions}
        return differences(rooms_of(self.simulator.state()), calls, live, known)

    async def _judge(self, callers: Callers) -> None:
        url = self.trouble.replicas.urls()[0]
        calls = await asyncio.to_thread(read_all, url, "/telephony/calls")
        sessions = await asyncio.to_thread(read_all, url, "/sessions")
        self.outcome.corrected = sum(
            any(entry["what"] == "reopened" for entry in one["timeline"])
            for one in [*calls, *sessions]
        )
        judge_calls(self.outcome, callers.stays, calls)
        judge_agents(self.outcome, self.simulator.agents_record(), self.trouble)
        # What is acknowledged by now must be there afterwards.
        events = self.simulator.webhooks()["events"]
        judge_inbox(self.outcome, events, await self._inbox(), self.trouble)
        self.outcome.requests = sum(self.simulator.state()["requests"].values())
        judge_the_run(self.outcome, self.trouble.replicas.output(), self.plan.least_served)

    async def _inbox(self) -> dict[str, str]:
        """The inbox once all of it is handled, or that takes too long."""
        deadline = time.monotonic() + self.plan.settles_within
        inbox = self.trouble.ledger.inbox()
        while set(inbox.values()) - {"handled"} and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            inbox = self.trouble.ledger.inbox()
        return inbox

    def _note(self, what: str) -> None:
        self.say(f"{self.plan.storage}: {what} after {time.monotonic() - self._began:.0f} s")


def main(
    calls: int = 600, users: int = 120, over: float = 50.0, seed: int = 1, only: str = ""
) -> None:
    """Run on SQLite, and on PostgreSQL with two replicas, and print a Markdown table."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    problems = []
    for storage, replicas in (("sqlite", 1), ("postgresql", 2)):
        if only not in ("", storage):
            continue
        plan = Plan(
            storage=storage, replicas=replicas, calls=calls, users=users, over=over, seed=seed
        )
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
