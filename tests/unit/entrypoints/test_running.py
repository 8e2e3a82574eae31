"""What the end of a process waits for, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from entrypoints.container import serving


async def test_decisions_of_webhooks_are_over_before_other_replicas_take_over_claims() -> None:
    done: list[str] = []

    def noting(what: str) -> Any:
        async def note() -> None:
            done.append(what)

        return note

    async def forever() -> None:
        await asyncio.Event().wait()

    @asynccontextmanager
    async def nothing() -> AsyncIterator[None]:
        yield

    parts: dict[str, Any] = {
        "heartbeat": SimpleNamespace(
            read_time=noting("read"), start=noting("start"), run=forever, stop=noting("stop")
        ),
        "ask_before_call": SimpleNamespace(settled=noting("decisions")),
        "ledger": SimpleNamespace(settled=noting("ledger")),
        "webhook_sender": SimpleNamespace(close=noting("close")),
        "delivery_sender": SimpleNamespace(close=noting("close")),
    }
    container = SimpleNamespace(storage=nothing, livekit_client=nothing, background_jobs=list)
    for name, part in parts.items():
        setattr(container, name, lambda part=part: part)

    async with serving(container):  # type: ignore[arg-type]
        done.clear()

    assert done.index("decisions") < done.index("ledger") < done.index("stop")
