"""A long list of the console: every row once, few of them in the document, each page read once.

A list that is scrolled fast shows text alone until it rests, and keeps the focus.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.browser import console_history
from tests.browser.console_stage import Stage, Tab, staged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CALLS: Final = console_history.IN_THE_HOUR + console_history.IN_THE_MONTH
PAGE: Final = 200
MOST_ROWS: Final = 60
"""In the document: those in sight, and some beyond."""

# Goes through the list by half a screen each time, and waits for what is read meanwhile.
THROUGH: Final = """(async () => {
  const box = document.querySelector(".rows");
  const seen = new Map();
  let most = 0;
  for (;;) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const rows = [...box.querySelectorAll(".row a")].map((link) => link.hash);
    most = Math.max(most, rows.length);
    if (new Set(rows).size !== rows.length) return { doubled: rows };
    for (const row of rows) seen.set(row, true);
    const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
    const whole = !document.querySelector(".foot").textContent.includes("scroll");
    if (atEnd && whole) return { seen: seen.size, most };
    box.scrollTop += box.clientHeight / 2;
  }
})()"""
# Scrolls by ten rows in each frame, with the focus on the second row, then rests for three frames.
FLUNG: Final = """(async () => {
  const box = document.querySelector(".rows");
  const frames = async (number) => {
    for (; number > 0; number -= 1) await new Promise(requestAnimationFrame);
  };
  const shown = () => [...box.querySelectorAll(".row")].filter((row) => {
    const [{ top, bottom }, all] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
    return bottom > all.top && top < all.bottom;
  });
  const link = box.querySelectorAll(".row a")[1];
  link.focus({ preventScroll: true });
  const flying = [];
  let blank = false;
  const isBlank = () => {
    const [{ top, bottom }, all] = [box.querySelector(".flight"), box].map((each) =>
      each.getBoundingClientRect());
    return top > all.top || bottom < all.bottom;
  };
  for (let frame = 0; frame < 12; frame += 1) {
    box.scrollTop += 400;
    if (frame > 3) flying.push(shown().map((row) => row.className).join());
    if (frame > 3) blank ||= isBlank();
    await frames(1);
  }
  await frames(3);
  const rows = shown();
  return {
    flying: [...new Set(flying)],
    blank,
    resting: [...new Set(rows.map((row) => row.querySelectorAll("[role=cell]").length))],
    first: Number(rows[0].getAttribute("aria-rowindex")) - 2,
    top: Math.floor(box.scrollTop / 40),
    focused: document.activeElement === link,
    links: box.querySelectorAll(".row a").length,
  };
})()"""
READ: Final = """performance.getEntriesByType("resource")
  .filter(({ name }) => name.includes("/telephony/calls?limit=200&cursor=")).length"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("lists"), console_history.fill) as made:
        yield made


def test_every_call_is_seen_once_with_few_rows_and_each_page_read_once(
    stage: Stage, tab: Tab
) -> None:
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", "#/calls")
    tab.do("see", "scroll for more")

    found = tab.do("evaluate", THROUGH)

    assert found["seen"] == CALLS
    assert found["most"] <= MOST_ROWS
    assert tab.do("evaluate", READ) == (CALLS - 1) // PAGE
    tab.do("see", f"{CALLS} calls")


def test_a_list_that_flies_shows_text_alone_until_it_rests_and_keeps_the_focus(
    stage: Stage, tab: Tab
) -> None:
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", "#/calls")
    tab.do("see", "scroll for more")

    found = tab.do("evaluate", FLUNG)

    assert found["flying"] == ["row flight"]
    assert not found["blank"]
    assert found["resting"] == [6]
    assert found["first"] == found["top"] == 120
    assert found["focused"]
    assert found["links"] <= MOST_ROWS
    tab.is_well()
