"""`make bench`: how fast the service is, beside the least that could do the same."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.benchmarks import (
    beside_stream,
    busy_ledger,
    console,
    deliveries,
    dispatch_latency,
    drivers,
    footprint,
    growth,
    growth_filters,
    handled,
    ingest,
    list_search,
    lists,
    log,
    many_sessions,
    on_join,
    outbox,
    processes,
    real_livekit,
    reconciler,
    routes,
    row_sizes,
    search,
    statistics,
    stream,
    versions,
)
from tests.benchmarks.report import MACHINE, Report

SECTIONS: Final = {
    "routes": routes.measure,
    "handled": handled.measure,
    "real": real_livekit.measure,
    "on-join": on_join.measure,
    "growth": growth.measure,
    "reconciler": reconciler.measure,
    "footprint": footprint.measure,
}
# What would take `make bench` beyond ten minutes: only when asked for.
MORE: Final = {
    "processes": processes.measure,
    "dispatch": dispatch_latency.measure,
    "deliveries": deliveries.measure,
    "drivers": drivers.measure,
    "lists": lists.measure,
    "list-search": list_search.measure,
    "log": log.measure,
    "ingest": ingest.measure,
    "soak": footprint.measure_others,
    "many-sessions": many_sessions.measure,
    "growth-filters": growth_filters.measure,
    "busy-ledger": busy_ledger.measure,
    "outbox": outbox.measure,
    "stream": stream.measure,
    "beside-stream": beside_stream.measure,
    "row-sizes": row_sizes.measure,
    "search": search.measure,
    "statistics": statistics.measure,
    "versions": versions.measure,
    "console": console.measure,
}


def main() -> int:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        help=f"of {', '.join(SECTIONS)} (default: all of these); {', '.join(MORE)}",
    )
    parser.add_argument("--json", type=Path, default=Path(".cache/bench.json"))
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.stderr.write("wrk is missing: apt-get install wrk\n")
        return 1
    report, began = Report(), time.monotonic()
    sys.stdout.write(f"{MACHINE}. Medians of {routes.ROUNDS} rounds, (least-greatest).\n")
    for section in arguments.sections or SECTIONS:
        os.sync()  # or the disk would be writing what the section before has left
        since = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            (SECTIONS | MORE)[section](report, Path(name))
        sys.stdout.write(f"\n({section}: {time.monotonic() - since:.0f} s)\n")
    report.write(arguments.json)
    minutes = (time.monotonic() - began) / 60
    sys.stdout.write(f"\n{minutes:.1f} minutes; the same as JSON: {arguments.json}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
