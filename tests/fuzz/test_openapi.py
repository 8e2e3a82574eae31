"""The OpenAPI document tells the truth: schemathesis asks the running service, and LiveKit is well.

Only here are requests made from the document. Every check of schemathesis's holds for every one of
them: examples, boundaries, positive and negative fuzzing, and chains that follow the document's
links. ``FUZZ_SEED`` chooses another seed, ``FUZZ_REQUESTS`` more requests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import httpx
import pytest

from tests.fuzz.service import REQUESTS, SEED, fuzzed
from tests.service import PROJECT, Service

pytestmark = pytest.mark.slow

EXAMPLES: Final = max(10, REQUESTS // 200)
"""For each operation, in each run, beside its boundaries and the chains (schemathesis.toml)."""
MOST_RUNS: Final = 12
HERE: Final = Path(__file__).parent
SELDOM_REACHED: Final = {
    # A number that a country has, and an agent that was created.
    "POST /phone-numbers",
    "GET /phone-numbers/{number}",
    "PATCH /phone-numbers/{number}",
    "DELETE /phone-numbers/{number}",
    # A webhook that was created, and an event that it got.
    "POST /webhooks/{webhookId}/test",
    "POST /deliveries/{deliveryId}/redeliver",
    # A webhook that LiveKit has signed.
    "GET /inbox/{eventId}",
    "POST /inbox/{eventId}/replay",
    # Audio that a worker has reported, or a room that an egress records.
    "GET /sessions/{sessionId}/recording",
    "GET /telephony/calls/{callId}/recording",
    "POST /sessions/{sessionId}/recording/link",
    "POST /sessions/{sessionId}/recording/start",
    "POST /sessions/{sessionId}/recording/stop",
    "GET /recordings/{recordingId}",
    # A call (tests/integration/usage).
    "GET /telephony/calls/{callId}/usage",
    "GET /telephony/calls/{callId}/participants",
    # A session that was started.
    "POST /sessions/{sessionId}/report",
    # A key, of which the service that is fuzzed has none.
    "POST /api-keys",
    "DELETE /api-keys/{prefix}",
    "POST /console/session",
}
"""What chains of requests made from the document alone need not carry out.

(tests/integration/phone_numbers, tests/integration/recordings and
tests/integration/access/test_console.py do.)
"""

Tally = dict[str, Counter[int]]


@attrs.frozen
class Run:
    """A process of schemathesis's."""

    seed: int
    process: subprocess.Popen[bytes]
    output: Path
    tally: Path

    def finished(self) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        code = self.process.wait(timeout=900)
        return code, self.output.read_text(errors="replace")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with fuzzed(tmp_path_factory.mktemp("service")) as service:
        yield service


def begin(service: Service, seed: int, folder: Path) -> Run:
    output, tally = folder / f"{seed}.log", folder / f"{seed}.json"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "schemathesis.cli",
                "--config-file", str(HERE / "schemathesis.toml"),
                "run", f"{service.url}/docs/openapi.json", "--no-color",
                "--checks", "all", "--continue-on-failure", "--max-examples", str(EXAMPLES),
                "--seed", str(seed), "--generation-database", "none", "--request-timeout", "60",
            ],
            cwd=folder, stdout=log, stderr=subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT),
                "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_TALLY": str(tally),
            },
        )  # fmt: skip
    return Run(seed, process, output, tally)


def added(runs: list[Run]) -> Tally:
    tally: Tally = {}
    for run in runs:
        for operation, counts in json.loads(run.tally.read_text()).items():
            by_status = {int(status): count for status, count in counts.items()}
            tally.setdefault(operation, Counter()).update(by_status)
    return tally


@pytest.mark.timeout(1200)
def test_the_document_holds_for_thousands_of_requests_none_of_which_is_a_server_error(
    service: Service, tmp_path: Path
) -> None:
    # It is made when it is first asked for; schemathesis waits ten seconds.
    document = httpx.get(f"{service.url}/docs/openapi.json", timeout=120).json()
    runs: list[Run] = []
    try:
        while sum(counts.total() for counts in added(runs).values()) < REQUESTS:
            assert len(runs) < MOST_RUNS
            runs.append(begin(service, SEED + len(runs), tmp_path))
            code, output = runs[-1].finished()
            assert code == 0, output[-20_000:]
    finally:
        for run in runs:
            run.process.kill()
            run.process.wait()
    tally = added(runs)

    sent = sum(counts.total() for counts in tally.values())
    print(f"\n{sent} requests, seeds {[run.seed for run in runs]}")  # noqa: T201
    for operation, counts in sorted(tally.items()):
        print(f"  {operation}: {dict(sorted(counts.items()))}")  # noqa: T201
    described = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert set(tally) == described
    failed = {operation for operation, counts in tally.items() if not succeeded(counts)}
    assert failed <= SELDOM_REACHED
    assert {status for counts in tally.values() for status in counts if status >= 500} == set()
    assert sent >= REQUESTS
    assert "unexpected error" not in service.output()


def succeeded(counts: Counter[int]) -> int:
    """How often the service did what it was asked."""
    return sum(count for status, count in counts.items() if status < 300)
