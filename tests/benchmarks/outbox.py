"""What domain events cost: POST /session with and without the outbox, in one run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.on_join import Round, run
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import let_rest, ours, stub_livekit
from tests.databases import running_postgres
from tests.service import PROJECT

CONNECTIONS: Final = 32
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))
_WITHOUT: Final = str(Path(__file__).parent / "without_outbox")
VARIANTS: Final[Mapping[str, Mapping[str, str]]] = {
    "without": {"PYTHONPATH": f"{_WITHOUT}:{PROJECT}"},
    "with": {},
}


def measure(report: Report, folder: Path) -> None:
    """Both by turns on each database; the ratios are of the same moments."""
    heads = ["database", "outbox", "requests/s", "of those without", "CPU ms", "of that without"]
    report.section("The outbox's cost", heads, f"POST /session over {CONNECTIONS} connections.")
    with ExitStack() as stack:
        environ = stack.enter_context(stub_livekit())
        postgres = stack.enter_context(running_postgres())
        for storage in ("sqlite", "postgresql"):
            with ExitStack() as services_stack:
                services = {
                    name: services_stack.enter_context(
                        ours(storage, {**environ, **more}, folder / f"{storage}-{name}", postgres)
                    )
                    for name, more in VARIANTS.items()
                }
                found: dict[str, list[Round]] = {name: [] for name in VARIANTS}
                for number in range(ROUNDS + 1):
                    for name in sorted(VARIANTS, reverse=bool(number % 2)):
                        let_rest(services.values())
                        one = run(services[name], "session", CONNECTIONS)
                        if number:  # after one to warm up
                            found[name].append(one)
            _tell(report, storage, found)


def _tell(report: Report, storage: str, found: Mapping[str, list[Round]]) -> None:
    for name, rounds in found.items():
        pairs = list(zip(rounds, found["without"], strict=True))
        rate = Spread.of([one.rate for one in rounds])
        cpu = Spread.of([one.cpu_ms for one in rounds])
        rates = Spread.of([one.rate / least.rate for one, least in pairs])
        cpus = Spread.of([one.cpu_ms / least.cpu_ms for one, least in pairs])
        report.row(
            [storage, name, rate.text(), rates.text(2), cpu.text(2), cpus.text(2)],
            storage=storage, outbox=name, rate=rate, ratio=rates, cpu_ms=cpu, cpu_ratio=cpus,
        )  # fmt: skip
