"""The console in Chromium: its first load, and scrolling through 100,000 calls."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from tests.benchmarks.big_ledger import fill
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import stub_livekit
from tests.browser import console_history
from tests.browser.chromium import Browser, find_browser
from tests.browser.console_stage import Tab, opened
from tests.service import PROJECT, Service, running

CALLS: Final = 100_000
ROUNDS: Final = 5
PATIENCE: Final = timedelta(minutes=10)
FRAMES: Final = 300
"""Of each scroll: five seconds at 60 a second."""
LATE_MS: Final = 25
"""A frame that comes later than this has left one out."""

# A page that is loaded and has been drawn answers the next frame.
LOADED: Final = """(async () => {
  while (document.querySelector(".tiles") === null) await new Promise(requestAnimationFrame);
  const [page] = performance.getEntriesByType("navigation");
  const files = performance.getEntriesByType("resource").filter(({ name }) => /assets/.test(name));
  const bytes = [page, ...files].reduce((sum, each) => sum + each.encodedBodySize, 0);
  return { milliseconds: performance.now(), bytes };
})()"""
SCROLLED: Final = """(async (frames, step, late) => {
  const box = document.querySelector(".rows");
  const times = [];
  let [rows, last] = [0, await new Promise(requestAnimationFrame)];
  for (let frame = 0; frame < frames; frame += 1) {
    box.scrollTop = step(box, frame);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
    rows = Math.max(rows, box.querySelectorAll(".row").length);
  }
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))];
  const over = times.filter((time) => time > late).length;
  return { p50: at(0.5), p99: at(0.99), most: at(1), over, rows };
})"""
STEPS: Final = {
    "as pages are read, 3 rows a frame": "(box) => box.scrollTop + 120",
    "all of them, 3 rows a frame": "(box) => box.scrollTop + 120",
    "all of them, 50 rows a frame": "(box) => box.scrollTop + 2000",
    "jumps to the end, the start, the middle": """(box, frame) =>
      box.scrollHeight * [1, 0, 0.5][Math.floor(frame / 10) % 3]""",
}
WHOLE: Final = """(async () => {
  const box = document.querySelector(".rows");
  const began = performance.now();
  while (document.querySelector(".foot").textContent.includes("scroll")) {
    box.scrollTop = box.scrollHeight;
    await new Promise(requestAnimationFrame);
  }
  box.scrollTop = 0;
  return { seconds: (performance.now() - began) / 1000,
    calls: document.querySelector(".foot").textContent };
})()"""


def measure(report: Report, folder: Path) -> None:
    """First load on a service with a usual hour, then a list of 100,000 calls."""
    subprocess.run(["sh", "scripts/build_console.sh"], cwd=PROJECT, check=True)
    browser = find_browser()
    url = f"sqlite+aiosqlite:///{folder}/hour.db"
    console_history.fill(url)
    with _served(url, folder) as service:
        _first_load(report, [_load(browser, service) for _ in range(ROUNDS)])
    url = f"sqlite+aiosqlite:///{folder}/calls.db"
    asyncio.run(_fill(url))
    with _served(url, folder) as service, opened(browser) as tab:
        tab.do("open", f"{service.url}/console#/calls")
        tab.do("see", "scroll for more")
        _scroll(report, tab)


def _first_load(report: Report, loads: list[dict[str, float]]) -> None:
    heads = ["", "KiB, compressed", "ms until the overview is drawn"]
    about = f"{console_history.IN_THE_HOUR} calls in the last hour; each load in a new browser."
    report.section("Console, first load", heads, about)
    times = Spread.of([load["milliseconds"] for load in loads])
    kibibytes = max(load["bytes"] for load in loads) / 1024
    report.row(
        ["overview", f"{kibibytes:.0f}", times.text(0)],
        section="console", kibibytes=kibibytes, milliseconds=times,
    )  # fmt: skip


def _scroll(report: Report, tab: Tab) -> None:
    heads = [
        "scrolled",
        "frame ms p50",
        "p99",
        "most",
        "frames left out",
        "long tasks",
        "rows drawn",
    ]
    about = f"{FRAMES} frames each, of {CALLS:,} calls, in a window of 1280 by 900 pixels."
    report.section("Console, scrolling", heads, about)
    for number, (name, step) in enumerate(STEPS.items()):
        if number == 1:
            whole = tab.do("evaluate", WHOLE)
            report.row([f"reads {whole['calls']} in {whole['seconds']:.0f} s", *[""] * 6])
        before = tab.do("cpu")
        found = tab.do("evaluate", f"{SCROLLED}({FRAMES}, {step}, {LATE_MS})")
        found["cpu"] = (tab.do("cpu") - before) / FRAMES * 1000
        cells = [f"{found[key]:.1f}" for key in ("cpu", "p50", "p99", "most")]
        report.row(
            [name, *cells, f"{found['over']} of {FRAMES}", found["rows"]],
            section="console", scrolled=name, **found,
        )  # fmt: skip


def _load(browser: Browser, service: Service) -> dict[str, float]:
    with opened(browser) as tab:
        tab.do("open", f"{service.url}/console")
        found: dict[str, float] = tab.do("evaluate", LOADED)
        return found


@contextmanager
def _served(url: str, folder: Path) -> Iterator[Service]:
    with (
        stub_livekit() as environ,
        running({**environ, "DATABASE_URL": url}, folder) as service,
    ):
        yield service


async def _fill(url: str) -> None:
    await migrate(url)
    async with SqlStorage(url, PATIENCE) as storage:
        await fill(storage, CALLS)
