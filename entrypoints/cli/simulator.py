"""``backend simulator`` and ``simulate-call``: LiveKit and phone calls, for development."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any
from urllib.parse import quote

import typer

from domain.rooms.sip_leg import Direction
from entrypoints.cli.output import printable
from entrypoints.cli.process import stop_signal, stopped_within
from entrypoints.container import Container
from entrypoints.dev.livekit import DEV_KEY, DEV_SECRET
from entrypoints.http.server.address import base_url
from entrypoints.settings import load_settings, read_environment


def run_simulator(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where it listens, on 127.0.0.1; 0: a free one.")
    ] = 7880,
    api_key: Annotated[str, typer.Option(help="The key it accepts.")] = DEV_KEY,
    api_secret: Annotated[str, typer.Option(help="The secret it accepts.")] = DEV_SECRET,
    webhook_url: Annotated[
        list[str] | None, typer.Option(help="Where it sends webhooks; may be repeated.")
    ] = None,
    worker: Annotated[
        list[str] | None,
        typer.Option(help="An agent name whose agents join at once; may be repeated."),
    ] = None,
) -> None:
    """Run the LiveKit simulator: rooms and dispatches over the real API, without audio.

    GET /simulator/state shows what is there; POST /simulator/faults orders failures.
    """
    asyncio.run(
        _simulate(
            Container.simulator(
                api_key,
                api_secret,
                port=port,
                webhook_urls=webhook_url or (),
                workers=dict.fromkeys(worker or (), 0),
            )
        )
    )


async def _simulate(livekit: AbstractAsyncContextManager[Any]) -> None:
    stop = stop_signal()
    async with livekit as running:
        typer.echo(f"The LiveKit simulator serves {running.url}; Ctrl-C stops it.")
        await stop.wait()


def simulate_call(  # noqa: PLR0913 - each is an option
    *,
    url: Annotated[
        str | None, typer.Option(help="The service's; by HOST and PORT if not given.")
    ] = None,
    from_number: Annotated[str, typer.Option("--from", help="Who calls.")] = "+15105550100",
    to_number: Annotated[str, typer.Option("--to", help="Who is called.")] = "+15105550199",
    room: Annotated[
        str | None, typer.Option(help="The room's name; call-_FROM_RANDOM if not given.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.0, max=86400, help="How long it lasts.")] = 3.0,
    direction: Annotated[Direction, typer.Option(help="Who called whom.")] = Direction.INBOUND,
) -> None:
    """Tell a running service of a phone call, by the webhooks that LiveKit would send.

    They are signed with LIVEKIT_WEBHOOK_API_KEY and its secret, or else LIVEKIT_API_KEY and its
    secret. Ctrl-C hangs up. The service must run with TELEPHONY_ENABLED=true, or it is no call.

    LiveKit knows nothing of such a call. So the service's reconciler, which looks every
    RECONCILE_INTERVAL_SECONDS, ends a longer call when it does not find it; and the agent's
    dispatch makes a room at LiveKit, which closes by itself after some minutes.
    """
    settings = load_settings(only=_variables(url))
    service = (url or base_url(settings.host, settings.port)).rstrip("/")
    room_name = room or f"call-_{from_number}_{secrets.token_hex(4)}"
    call = Container(settings=settings).simulated_call(
        url=service,
        room_name=room_name,
        from_number=from_number,
        to_number=to_number,
        direction=direction,
    )
    asyncio.run(_tell(call, seconds))
    route = f"{service}/telephony/calls/by-room/{quote(room_name, safe='')}"
    typer.echo(
        f"See the call: GET {route} or, unless DATABASE_URL is memory://, "
        f"backend calls show {shlex.quote(printable(room_name))}"
    )


def _variables(url: str | None) -> set[str]:
    """Return the names of the variables that the command uses."""
    environ = read_environment()
    signing = {"LIVEKIT_WEBHOOK_API_KEY", "LIVEKIT_WEBHOOK_API_SECRET"}
    if not any(environ.get(name, "").strip() for name in signing):
        signing |= {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}
    return signing if url else signing | {"HOST", "PORT"}


async def _tell(call: Any, seconds: float) -> None:
    """``call`` is the container's, whose adapters have no type here."""
    stop = stop_signal()
    await _tell_one(call, call.joined())
    await stopped_within(stop, seconds)
    await _tell_one(call, call.left())
    await _tell_one(call, call.finished())


async def _tell_one(call: Any, event: Any) -> None:
    answer = await call.tell(event)
    typer.echo(f"{event.event}: {answer}")
