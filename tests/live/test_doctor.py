"""`backend telephony doctor` on a real LiveKit server with Redis, a real worker and the service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest
from livekit import api
from livekit.protocol.sip import (
    CreateSIPDispatchRuleRequest,
    SIPDispatchRule,
    SIPDispatchRuleIndividual,
    SIPDispatchRuleInfo,
)

from tests.databases import sqlite_in
from tests.live.conftest import AGENT_NAME, running_worker
from tests.livekit_server import free_port, livekit_server
from tests.redis_server import redis_server
from tests.service import running
from tests.warm_processes import popen

pytestmark = pytest.mark.slow

NUMBER = "+15105550100"


@attrs.frozen
class Installation:
    """LiveKit with Redis, whose webhooks go to the service; ``environ`` is the service's."""

    environ: dict[str, str]
    folder: Path

    def backend(self, *arguments: str, **changes: str) -> tuple[int, str, str]:
        """Run ``backend telephony …``; its exit code, output and errors."""
        with popen(
            "entrypoints.cli", ["telephony", *arguments], self.folder, self.environ | changes,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            output, errors = process.communicate(timeout=120)
        return process.returncode, output, errors

    def doctor(self, *arguments: str, **changes: str) -> tuple[int, dict[str, list[Any]]]:
        """The exit code, and the findings by check: state and sentence."""
        code, output, errors = self.backend("doctor", *arguments, "--json", **changes)
        assert errors == ""
        found: dict[str, list[Any]] = {}
        for finding in json.loads(output)["findings"]:
            found.setdefault(finding["check"], []).append((finding["state"], finding["finding"]))
        return code, found


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("doctor")
    port = free_port()
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        hook = f"http://127.0.0.1:{port}/telephony/livekit-webhook"
        server = stack.enter_context(livekit_server(folder, redis=redis, webhook_urls=[hook]))
        environ = {
            "LIVEKIT_URL": server.url,
            "LIVEKIT_API_KEY": server.api_key,
            "LIVEKIT_API_SECRET": server.api_secret,
            "AGENT_NAME": AGENT_NAME,
            "TELEPHONY_ENABLED": "true",
            "DATABASE_URL": sqlite_in(folder),
            "HOST": "127.0.0.1",
            "PORT": str(port),
        }
        stack.enter_context(running(environ, folder))
        yield Installation(environ, folder)


def test_from_nothing_to_a_telephone_that_works(installation: Installation, tmp_path: Path) -> None:
    code, found = installation.doctor(NUMBER)

    assert code == 1
    assert {check: state for check, [(state, _)] in found.items()} == {
        "livekit": "ok", "clock": "ok", "settings": "ok", "number": "ok", "trunk": "failed",
        "service": "ok", "worker": "failed", "webhooks": "ok",
    }  # fmt: skip
    assert f"backend telephony trunks create inbound --number {NUMBER}" in found["trunk"][0][1]
    assert f"No worker named '{AGENT_NAME}' took a job" in found["worker"][0][1]

    code, trunk, _ = installation.backend("trunks", "create", "inbound", "--number", NUMBER)
    assert code == 0
    code, found = installation.doctor(NUMBER, "--no-dispatch")
    assert (code, found["trunk"][0][0], found["dispatch-rule"][0][0]) == (1, "ok", "failed")
    assert found["worker"][0][0] == "skipped"

    code, rule, _ = installation.backend("rules", "create", "--trunk", trunk.strip())
    assert code == 0
    with running_worker(livekit_of(installation), tmp_path):
        code, found = installation.doctor("(00 1) 510-555-0100".replace("(00 1)", "001"))
        assert {state for each in found.values() for state, _ in each} == {"ok"}, found
        assert code == 0
        code, table, _ = installation.backend("doctor", NUMBER)
        assert code == 0
        assert f"dispatch-rule\tok\tDispatch rule {rule.strip()} puts each call" in table


async def test_a_rule_that_dispatches_an_agent_itself_is_a_warning(
    installation: Installation,
) -> None:
    number = "+15105550111"
    _, trunk, _ = installation.backend("trunks", "create", "inbound", "--number", number)
    url, key, secret = (livekit_of(installation)[name] for name in (
        "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"))  # fmt: skip
    async with api.LiveKitAPI(url, key, secret) as livekit:
        await livekit.sip.create_dispatch_rule(
            CreateSIPDispatchRuleRequest(
                dispatch_rule=SIPDispatchRuleInfo(
                    rule=SIPDispatchRule(
                        dispatch_rule_individual=SIPDispatchRuleIndividual(room_prefix="own-")
                    ),
                    trunk_ids=[trunk.strip()],
                    room_config=api.RoomConfiguration(
                        agents=[api.RoomAgentDispatch(agent_name="another-agent")]
                    ),
                )
            )
        )

    _, found = installation.doctor(number, "--no-dispatch")
    _, ignored = installation.doctor(number, "--no-dispatch", ROOM_IGNORE="own-*")
    _, no_trunk = installation.doctor(number, "--no-dispatch", TRUNK_IGNORE=trunk.strip())

    [(state, sentence)] = found["dispatch-rule"]
    assert (state, "'another-agent' itself" in sentence) == ("warning", True)
    assert [state for state, _ in ignored["dispatch-rule"]] == ["failed", "warning"]
    assert [state for state, _ in no_trunk["trunk"]] == ["failed"]


def test_a_service_with_another_secret_is_found(installation: Installation) -> None:
    changes = {"LIVEKIT_WEBHOOK_API_KEY": "devkey", "LIVEKIT_WEBHOOK_API_SECRET": "x" * 40}
    code, found = installation.doctor("--no-dispatch", **changes)

    assert code == 1
    [(state, sentence)] = found["service"]
    assert (state, "refuses the signature" in sentence) == ("failed", True)
    assert "x" * 40 not in str(found)


def livekit_of(installation: Installation) -> dict[str, str]:
    return {k: v for k, v in installation.environ.items() if k.startswith("LIVEKIT_")}
