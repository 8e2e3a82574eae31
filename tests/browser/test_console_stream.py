"""The console's live stream breaks, and goes on without a gap."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.console_stage import Stage, Tab
from tests.integration.access.two_tenants import ANN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOMS = "[...document.querySelectorAll('.all .row')].map(row => row.querySelector('a').textContent)"


def begin(stage: Stage, *rooms: str) -> None:
    for room in rooms:
        stage.post("/session", ANN, userIdentity="ann", roomName=room)


def rooms(tab: Tab) -> Any:
    return tab.do("evaluate", ROOMS)


def test_given_the_service_stops_then_the_console_says_so_and_goes_on_when_it_is_back(
    stage: Stage, tab: Tab
) -> None:
    tab.sign_in(stage.url, ANN)
    tab.do("see", "Live")
    begin(stage, "before-the-stop")
    tab.do("see", "before-the-stop")
    tab.do("view", "#/sessions")
    tab.do("see", "before-the-stop")

    stage.service.stop()
    tab.do("see", "Offline")
    assert rooms(tab) == ["before-the-stop"]
    stage.restart()
    begin(stage, "while-it-was-away-1", "while-it-was-away-2")

    tab.do("see", "while-it-was-away-2")
    tab.do("gone", "Offline")
    begin(stage, "afterwards")
    tab.do("see", "afterwards")
    newest_first = ["afterwards", "while-it-was-away-2", "while-it-was-away-1", "before-the-stop"]
    assert rooms(tab) == newest_first
    state = tab.do("state")
    assert (state["loads"], state["hacked"], state["refused"]) == (1, None, [])


def test_given_only_the_stream_breaks_again_and_again_then_no_row_is_lost_or_doubled(
    stage: Stage, tab: Tab
) -> None:
    tab.do("breaking", "/events")
    tab.sign_in(stage.url, ANN)
    tab.do("view", "#/sessions?userIdentity=ann")
    names = [f"broken-{number:02}" for number in range(12)]
    for name in names:
        begin(stage, name)
        tab.do("break")

    tab.do("see", "broken-11")
    tab.do("see", "broken-00")
    shown = [room for room in rooms(tab) if room.startswith("broken")]
    assert shown == names[::-1]
    assert tab.do("evaluate", "performance.getEntriesByType('navigation').length") == 1


def test_given_a_view_is_opened_while_the_service_is_gone_then_it_fills_itself_afterwards(
    stage: Stage, tab: Tab
) -> None:
    begin(stage, "kept")
    tab.sign_in(stage.url, stage.admin)
    tab.do("see", "Live")
    stage.service.stop()
    tab.do("see", "Offline")
    for view in ("#/agents", "#/api-keys", "#/statistics", "#/calls", "#/health", "#/sessions"):
        tab.do("view", view)
        tab.do("see", "The service does not answer")
        assert tab.do("evaluate", "[...document.querySelectorAll('main button')].length") > 0

    stage.restart()

    tab.do("see", "kept")
    tab.do("gone", "The service does not answer")
