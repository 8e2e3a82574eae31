"""A browser's call by what deploy/compose.yaml configures, on a real LiveKit server.

Covers what no other tier does: compose's configuration of LiveKit, and a public URL that differs
from the service's. Only ports and host names are replaced, since no container engine runs here.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from livekit import rtc

from tests.deployment.test_deployment import compose, environ_of
from tests.livekit_server import find_livekit_server, free_port, wait_until_it_answers
from tests.service import migrate, running


async def test_given_compose_s_configuration_then_a_client_reaches_its_room(
    tmp_path: Path, postgres_url: str
) -> None:
    services, port = compose()["services"], free_port()
    config = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    config["port"] = port
    config["rtc"]["tcp_port"] = free_port()
    config["rtc"]["udp_port"] = free_port(socket.SOCK_DGRAM)
    service_port = free_port()
    config["webhook"]["urls"] = [f"http://127.0.0.1:{service_port}/telephony/livekit-webhook"]
    environ = environ_of(services["backend"])
    environ |= {
        "PORT": str(service_port),
        "DATABASE_URL": postgres_url,
        "LIVEKIT_URL": environ["LIVEKIT_URL"].replace("livekit:7880", f"localhost:{port}"),
        "LIVEKIT_PUBLIC_URL": environ["LIVEKIT_PUBLIC_URL"].replace("7880", str(port)),
    }
    migrate(environ, tmp_path)
    with _livekit(config, tmp_path / "livekit.log"), running(environ, tmp_path) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            response = await http.post("/session", json={"userIdentity": "ann"})
        started = response.json()
        assert response.status_code == 200, started
        assert started["livekitUrl"] == f"ws://127.0.0.1:{port}"

        await _call(started["livekitUrl"], started["userToken"])


@contextmanager
def _livekit(config: Mapping[str, Any], log: Path) -> Iterator[None]:
    """Run a server that is configured as the container is: by a variable, without arguments."""
    environ = {"PATH": os.environ["PATH"], "LIVEKIT_CONFIG": yaml.safe_dump(config)}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [find_livekit_server()], env=environ, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until_it_answers(server, config["port"], log)
        yield
    finally:
        server.kill()
        server.wait()


async def _call(url: str, token: str) -> None:
    """Join, and return once LiveKit has taken a microphone's track: media has got through."""
    room = rtc.Room()
    await room.connect(url, token)
    try:
        source = rtc.AudioSource(48000, 1)
        microphone = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        published = await asyncio.wait_for(room.local_participant.publish_track(microphone), 20)
        assert published.sid.startswith("TR_")
    finally:
        await room.disconnect()
