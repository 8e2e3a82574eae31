"""The receivers of the how-to, run as they are, against the service's own sender."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import attrs
import httpx
import pytest

from adapters.webhooks.delivery_sender import HttpDeliverySender
from tests.service import PROJECT

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

FOLDER: Final = PROJECT / "examples" / "webhook_receiver"
PROGRAMS: Final = {"python": [sys.executable, "receiver.py"], "node": ["node", "receiver.mjs"]}
EVENT: Final = {"id": "e", "type": "call.ended", "sessionId": "s", "data": {"name": "Zoë"}}


@attrs.frozen
class Example:
    url: str
    process: subprocess.Popen[str]


@contextmanager
def example(program: str) -> Iterator[Example]:
    process = subprocess.Popen(
        PROGRAMS[program], cwd=FOLDER, stdout=subprocess.PIPE, text=True,
        env={"PATH": os.environ["PATH"], "WEBHOOK_SECRET": SECRET, "PORT": "0"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("Listening on "), ready
        yield Example(ready.split()[-1], process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    if shutil.which(PROGRAMS[chosen][0]) is None:
        pytest.skip(f"{chosen} is not installed")
    return chosen


async def test_an_example_takes_what_is_genuine_once_and_refuses_the_rest(program: str) -> None:
    body = json.dumps(EVENT, ensure_ascii=False).encode()

    sender = HttpDeliverySender(time.time, allow_private=True)
    stale = HttpDeliverySender(lambda: time.time() - 3600, allow_private=True)
    with example(program) as receiver:
        try:
            answers = [
                await sender.send(receiver.url, [OTHER], "id-1", body),
                await stale.send(receiver.url, [SECRET], "id-1", body),
                await sender.send(receiver.url, [SECRET], "id-1", body),
                await sender.send(receiver.url, [OTHER, SECRET], "id-1", body),
            ]
        finally:
            await sender.close()
            await stale.close()
        receiver.process.terminate()
        printed, _ = receiver.process.communicate(timeout=20)

    assert [answer.status for answer in answers] == [401, 401, 204, 204]
    assert printed.count("call.ended s") == 1


@pytest.mark.parametrize("secret", [None, "", "whsec_"])
def test_an_example_without_a_secret_does_not_start(program: str, secret: str | None) -> None:
    """With an empty one everybody could sign."""
    given = {} if secret is None else {"WEBHOOK_SECRET": secret}

    ended = subprocess.run(
        PROGRAMS[program], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "PORT": "0", **given},
    )  # fmt: skip

    assert ended.returncode == 1
    assert ended.stderr == "Set WEBHOOK_SECRET to the webhook's secret: whsec_…\n"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-timestamp": "²", "webhook-signature": "v1,é"},
        {"webhook-timestamp": "9" * 400, "webhook-signature": "v1,"},
        {"webhook-timestamp": "NOW", "webhook-signature": "v1,é é"},
    ],
    ids=str,
)
def test_headers_that_nobody_would_send_are_refused(program: str, headers: dict[str, str]) -> None:
    given = {name: text.replace("NOW", str(int(time.time()))) for name, text in headers.items()}
    raw = [(name.encode(), text.encode("latin-1")) for name, text in given.items()]

    with example(program) as receiver:
        answer = httpx.post(receiver.url, content=b"{}", headers=raw)

    assert answer.status_code == 401
