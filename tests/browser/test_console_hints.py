"""What has no event of its own changes on screen all the same, without a reload."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.console_stage import Stage, Tab
from tests.browser.test_console_pages import a_dead_letter, a_session
from tests.receivers import Receivers, running_receivers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with running_receivers() as receivers:
        yield receivers


def test_a_later_attempt_s_outcome_and_a_replay_are_shown_without_a_reload(
    stage: Stage, tab: Tab, receivers: Receivers
) -> None:
    receivers.behaviours["/crm"] = 500
    webhook = stage.post(
        "/webhooks", stage.admin, url=f"{receivers.url}/crm", events=["session.created"]
    )
    event_id = a_dead_letter(stage, "set-aside", b'{"event": "room_finished", "id": "EV_1"}')
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", f"#/webhooks/{webhook['webhookId']}")
    tab.do("see", "Live")
    a_session(stage, "delivered-later")
    tab.do("see", "1 attempt, the last answered 500")
    tab.do("see", "failing since")

    # When the receiver is well again, the next attempt comes by itself after some seconds.
    receivers.behaviours["/crm"] = 204

    tab.do("see", "2 attempts, the last answered 204")
    tab.do("gone", "failing since")

    # When another client replays a dead letter that is shown,
    tab.do("view", "#/dead-letters")
    tab.do("see", "LiveKit fell silent.")
    stage.post(f"/inbox/{event_id}/replay", stage.admin)

    tab.do("gone", "LiveKit fell silent.")
    tab.do("see", "None: each webhook of LiveKit's was processed")
    assert tab.do("state")["loads"] == 1
    tab.is_well()
