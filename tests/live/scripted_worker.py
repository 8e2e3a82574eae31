"""A worker whose agents do nothing but join their rooms, ``JOIN_DELAY_SECONDS`` after their job.

It prints ``took ROOM``, ``joined ROOM`` and, once the job changes nothing more, ``settled ROOM``.
"""

from __future__ import annotations

import asyncio
import math
import os

from livekit.agents import AgentServer, JobContext, JobExecutorType, cli

server = AgentServer(
    # Jobs start sooner in threads, and die with the worker's process.
    job_executor_type=JobExecutorType.THREAD,
    num_idle_processes=1,
    host="127.0.0.1",
    port=0,
    # By default an idle worker declines what is offered at once beyond its idle processes.
    load_threshold=math.inf,
    load_fnc=lambda *_: 0.0,
)


@server.rtc_session(agent_name=os.environ["AGENT_NAME"])
async def join_late(ctx: JobContext) -> None:
    """One job."""
    room = ctx.job.room.name
    report("took", room)
    try:
        await asyncio.sleep(float(os.environ["JOIN_DELAY_SECONDS"]))
        await ctx.connect()
        report("joined", room)
    finally:
        report("settled", room)


def report(what: str, room: str) -> None:
    """Print what a test waits for."""
    print(what, room, flush=True)  # noqa: T201


if __name__ == "__main__":
    cli.run_app(server)
