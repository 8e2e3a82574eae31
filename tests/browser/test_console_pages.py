"""Pages of sessions and webhooks in a real browser: transcript, recording, deliveries, replay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.inbox.entry import MAX_FAILURES, InboxEntry, InboxStatus
from domain.inbox.webhook_verifier import WebhookEvent
from entrypoints.container import Container, running
from entrypoints.settings import load_settings
from tests.browser.console_reports import a_tone, message, moment
from tests.browser.console_stage import XSS, Stage, Tab
from tests.integration.http.webhooks import eventually
from tests.receivers import Receivers, running_receivers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PRESS = "document.querySelector('[aria-label^=\"{}\"]').click()"
OPEN_DETAILS = "document.querySelectorAll('details').forEach(d => d.open = true)"
HEARD = "document.querySelector('.turns [aria-current]')?.textContent ?? ''"
TIME = "document.querySelector('audio').currentTime"
COLUMNS = """(() => {
  const canvas = document.querySelector('.waveform canvas');
  const { data, width, height } = canvas.getContext('2d')
    .getImageData(0, 0, canvas.width, canvas.height);
  const drawn = (x) => Array.from({ length: height }, (_, y) => data[(y * width + x) * 4 + 3])
    .filter((alpha) => alpha > 0).length;
  const most = (from, to) => Math.max(...Array.from({ length: 40 }, (_, i) =>
    drawn(Math.floor((from + ((to - from) * i) / 40) * (width - 1)))));
  return [most(0.05, 0.25), most(0.75, 0.95)];
})()"""
"""How high the waveform is near the beginning and near the end."""


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with running_receivers() as receivers:
        yield receivers


def a_session(stage: Stage, room: str) -> tuple[str, float]:
    """Begin a session; return its id, and when it began."""
    started = stage.post("/session", stage.admin, userIdentity="ann", roomName=room)
    session_id = str(started["sessionId"])
    return session_id, moment(stage.get(f"/sessions/{session_id}")["createdAt"])


def a_dead_letter(stage: Stage, room: str, body: bytes) -> str:
    """Store an event that was set aside, and that could be handled by now; return its id."""
    now = datetime.now(UTC)
    event = WebhookEvent(
        id=f"EV_{room[:20]}", kind="room_finished", room_name=room, room_sid="RM_dead", body=body
    )
    entry = InboxEntry(
        event=event, received_at=now, due_at=now, status=InboxStatus.DEAD,
        failures=MAX_FAILURES, last_error="LiveKit fell silent.",
    )  # fmt: skip

    async def add() -> bool:
        settings = load_settings(stage.environ, stage.folder)
        async with running(Container(settings=settings)) as container:
            added: bool = await container.inbox().add(entry)
            return added

    assert asyncio.run(add())
    return event.id


def shows(tab: Tab, expression: str, holds: Any) -> None:
    eventually(lambda: tab.do("evaluate", expression), holds, seconds=30)


def test_a_transcript_comes_without_a_reload_and_follows_its_recording(
    stage: Stage, tab: Tab
) -> None:
    session_id, began = a_session(stage, "followed")
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", f"#/sessions/{session_id}")
    tab.do("see", "There is no transcript yet")
    tab.do("see", "There is no recording")
    tab.do("see", "Live")

    items = [
        message("item_1", "user", "When do you open?", began + 2),
        message("item_2", "assistant", "At nine.", began + 8, e2e_latency=0.9),
        message("item_3", "user", "Thank you.", began + 12),
    ]
    stage.report(session_id, items, a_tone(20))

    tab.do("see", "At nine.")
    tab.do("see", "median 0.9 s")
    tab.do("see", "gpt-4o-mini")
    tab.do("press", "Go to 0:08")
    shows(tab, TIME, lambda time: abs(time - 8) < 0.5)
    shows(tab, HEARD, lambda text: "At nine." in text)
    # The tone grows louder.
    shows(tab, COLUMNS, lambda found: found[1] > 2 * found[0] > 0)

    tab.do("evaluate", "document.querySelector('.waveform').focus()")
    tab.do("key", "ArrowRight")
    shows(tab, HEARD, lambda text: "Thank you." in text)
    tab.do("press", "Go to 0:02")
    tab.do("evaluate", "void document.querySelector('audio').play()")
    shows(tab, TIME, lambda time: time > 2.2)
    shows(tab, HEARD, lambda text: "When do you open?" in text)
    tab.do("evaluate", "document.querySelector('audio').pause()")
    assert tab.do("state")["loads"] == 1
    tab.is_well()


def test_a_webhook_is_added_used_and_sent_again_on_screen(
    stage: Stage, tab: Tab, receivers: Receivers
) -> None:
    receivers.behaviours["/crm"] = 500
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", "#/webhooks")
    tab.do("fill", "URL", f"{receivers.url}/crm")
    tab.do("fill", "Description", "Updates the CRM.")
    tab.do("press", "Add")
    tab.do("see", "whsec_")
    tab.do("press", "Done")
    tab.do("follow", f"{receivers.url}/crm")
    tab.do("press", "Send a test")
    tab.do("see", "The test was not delivered")

    session_id, _ = a_session(stage, "delivered")
    tab.do("see", "session.created")
    tab.do("see", "the last answered 500")
    receivers.behaviours["/crm"] = 204
    tab.do(
        "evaluate", "document.querySelector('[aria-label^=\"Redeliver session.created\"]').click()"
    )
    tab.do("see", "succeeded")
    tab.do("see", "the last answered 204")
    assert "session.created" in [event["type"] for event in receivers.events("/crm")]

    tab.do("press", "Disable")
    tab.do("see", "by a request")
    tab.do("view", f"#/sessions/{session_id}")
    tab.do("see", "Events sent")
    tab.do("see", "LiveKit's webhooks received")
    shows(tab, "document.querySelector('main').textContent", lambda text: "succeeded" in text)
    tab.is_well()


def test_a_dead_letter_is_shown_with_its_reason_and_replayed(stage: Stage, tab: Tab) -> None:
    a_dead_letter(stage, "set-aside", b'{"event": "room_finished", "id": "EV_set-aside"}')
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", "#/dead-letters")
    tab.do("see", "LiveKit fell silent.")
    tab.do("see", "set-aside")
    tab.do("evaluate", "document.querySelector('summary').click()")
    tab.do("see", "EV_set-aside")
    tab.do("evaluate", PRESS.format("Replay room_finished"))
    tab.do("see", "None: each webhook of LiveKit's was processed")
    tab.is_well()


def test_what_strangers_say_and_send_is_text(stage: Stage, tab: Tab) -> None:
    session_id, began = a_session(stage, "evil")
    tool = {"id": "call_1", "call_id": "c1", "name": XSS, "created_at": began + 2}
    items = [
        message("item_1", "user", XSS, began + 1),
        {**tool, "type": "function_call", "arguments": XSS},
        {**tool, "id": "call_2", "type": "function_call_output", "output": XSS, "is_error": True},
        {"id": "item_2", "type": XSS[:40], "created_at": began + 3, XSS[:40]: XSS},
    ]
    stage.report(session_id, items, a_tone(2))
    webhook = stage.post(
        "/webhooks", stage.admin,
        url="https://example.com/?q=%3Cimg", events=["webhook.disabled"], description=XSS,
    )  # fmt: skip
    a_dead_letter(stage, f"evil {XSS}", XSS.encode())

    tab.sign_in(stage.url, stage.admin)
    for view in (
        f"#/sessions/{session_id}", "#/webhooks", f"#/webhooks/{webhook['webhookId']}",
        "#/dead-letters", "#/transcripts?q=onerror",
    ):  # fmt: skip
        tab.do("view", view)
        tab.do("see", "onerror=")
        tab.do("evaluate", OPEN_DETAILS)
        shows(tab, "document.querySelectorAll('[role=status].state').length", lambda n: n == 0)
        assert tab.do("evaluate", "document.querySelectorAll('main img, main svg').length") == 0
    tab.is_well()


def test_axe_finds_nothing_serious_on_the_pages(stage: Stage, tab: Tab) -> None:
    session_id, began = a_session(stage, "axe-pages")
    items = [
        message("item_1", "user", "When do you open?", began + 1),
        message("item_2", "assistant", "At nine.", began + 3, e2e_latency=0.9),
    ]
    stage.report(session_id, items, a_tone(5))
    webhook = stage.post(
        "/webhooks", stage.admin, url="https://example.com/axe", events=["call.ended"]
    )
    a_dead_letter(stage, "axe", b"{}")
    tab.sign_in(stage.url, stage.admin)
    found = {}
    for view, text in (
        (f"#/sessions/{session_id}", "At nine."),
        (f"#/webhooks/{webhook['webhookId']}", "Deliveries"),
        ("#/dead-letters", "LiveKit fell silent."),
    ):
        tab.do("view", view)
        tab.do("see", text)
        tab.do("evaluate", OPEN_DETAILS)
        for scheme, size in (("light", (1280, 900)), ("dark", (390, 800))):
            tab.do("media", scheme)
            tab.do("size", *size)
            tab.do("evaluate", "new Promise((done) => setTimeout(done, 300))")
            found[f"{view} {scheme}"] = tab.do("axe")
            wide = tab.do("evaluate", "document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{view} is wider than the screen"

    assert {view: problems for view, problems in found.items() if problems} == {}
