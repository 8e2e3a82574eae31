"""The console in a real browser, against the real service and the simulator."""

from __future__ import annotations

import httpx
import pytest

from tests.browser.console_stage import XSS, Stage, Tab
from tests.browser.console_views import VIEWS
from tests.integration.access.two_tenants import ANN, BEN, as_
from tests.integration.http.webhooks import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_wrong_key_is_refused_and_a_right_one_leaves_no_trace_in_the_page(
    stage: Stage, tab: Tab
) -> None:
    tab.do("open", f"{stage.url}/console")
    tab.do("fill", "API key", "not-a-key-of-this-service")
    tab.do("press", "Sign in")
    tab.do("see", "unknown, expired or revoked")
    tab.do("fill", "API key", ANN)
    tab.do("press", "Sign in")
    tab.do("see", "Sessions live")

    [cookie] = tab.do("cookies")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert ANN not in cookie["value"]
    assert tab.do("evaluate", "document.cookie") == ""
    kept = tab.do("evaluate", "JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept == "[{},{}]"
    tab.do("press", "Sign out")
    tab.do("see", "You are signed out")
    assert tab.do("cookies") == []
    tab.is_well()


def test_a_session_and_a_call_appear_change_and_end_on_screen_without_a_reload(
    stage: Stage, tab: Tab
) -> None:
    tab.sign_in(stage.url, ANN)
    tab.do("see", "Live")
    session = stage.post("/session", ANN, userIdentity="ann", roomName="ann-live")
    tab.do("see", "ann-live")
    tab.do("view", "#/sessions?roomName=ann-live")
    tab.do("see", "active")

    tab.do("view", "#/calls")
    caller = stage.call("ann-live", "+15105550177")
    tab.do("see", "+15105550177")
    tab.do("follow", "+15105550177")
    tab.do("see", "reported by LiveKit's webhook")
    tab.do("see", "agent dispatched")
    stage.send(caller.left())
    tab.do("see", "ended")

    tab.do("view", f"#/sessions/{session['sessionId']}")
    tab.do("see", "agent joined")
    stage.post("/session/end", ANN, roomName="ann-live")
    tab.do("see", "ended by caller")
    assert tab.do("state")["loads"] == 1
    tab.is_well()


def test_another_tenant_s_calls_never_appear(stage: Stage, tab: Tab) -> None:
    tab.sign_in(stage.url, stage.reader)
    tab.do("see", "Live")
    stage.post("/session", BEN, userIdentity="ben-s-user", roomName="ben-s-room")
    stage.call("ben-s-room", "+15105550188")
    eventually(
        lambda: httpx.get(f"{stage.url}/telephony/calls/by-room/ben-s-room", headers=as_(BEN)),
        lambda answer: answer.status_code == 200,
    )
    # What comes later is there: so would be what came before.
    stage.post("/session", stage.starter, userIdentity="cat", roomName="cat-s-later-room")
    tab.do("see", "cat-s-later-room")

    for view in ("#/", "#/sessions", "#/calls"):
        tab.do("view", view)
        tab.do("see", {"#/": "Overview", "#/sessions": "User identity"}.get(view, "Direction"))
        assert "ben-s" not in tab.do("html")
        assert "5550188" not in tab.do("html")
    tab.is_well()


def test_what_strangers_choose_is_text(stage: Stage, tab: Tab) -> None:
    body = {"name": f"Evil {XSS}"[:64], "description": XSS, "agentConfig": {"prompt": XSS}}
    agent = stage.post("/agents", stage.admin, **body)
    config = {"prompt": XSS, "greeting": XSS, "custom": {XSS: XSS}}
    session = stage.post("/session", stage.admin, userIdentity=XSS, agentConfig=config)
    headers = {"sip.h.x-twilio-callsid": XSS, "sip.h.x-evil": f"header {XSS}", "sip.trunkID": XSS}
    stage.call(f"evil {XSS}", XSS, headers)
    calls = eventually(
        lambda: httpx.get(f"{stage.url}/telephony/calls", headers=as_(stage.admin)).json()["calls"],
        lambda found: any(XSS in call["roomName"] for call in found),
    )
    [call] = [call for call in calls if XSS in call["roomName"]]
    number = {"number": "+15105550111", "agentId": agent["agentId"], "trunkId": "<img>"}
    stage.post("/phone-numbers", stage.admin, **number, preCallWebhook={"url": "https://a.example"})

    tab.sign_in(stage.url, stage.admin)
    ids = {
        "session": session["sessionId"], "call": call["callId"], "agent": agent["agentId"],
        "number": "%2B15105550111%40%3Cimg%3E",
    }  # fmt: skip
    for view in VIEWS:
        tab.do("view", view.address(ids))
        tab.do("evaluate", "document.querySelectorAll('details').forEach(d => d.open = true)")
        tab.do("see", "onerror=" if view.has_strangers else view.shows)
        assert tab.do("evaluate", "document.querySelectorAll('main img').length") == 0
        if view.name == "call":
            tab.do("see", "participant_joined")
            tab.do("evaluate", "document.querySelectorAll('details').forEach(d => d.open = true)")
            tab.do("see", r"header \"><img")  # in what LiveKit sent, which is JSON
            assert tab.do("evaluate", "document.querySelectorAll('main img').length") == 0
    tab.is_well()


def test_given_its_key_is_revoked_then_the_console_asks_for_another(stage: Stage, tab: Tab) -> None:
    key = stage.post("/api-keys", stage.admin, name="short", scopes=["calls:read"])
    tab.sign_in(stage.url, key["key"])
    tab.do("see", "Sessions live")
    httpx.delete(f"{stage.url}/api-keys/{key['prefix']}", headers=as_(stage.admin))

    def text_of_another_view() -> str:
        tab.do("view", "#/calls")
        tab.do("view", "#/sessions")
        return str(tab.do("text"))

    eventually(text_of_another_view, lambda text: "API key" in text, seconds=30)


def test_the_keyboard_alone_reaches_the_content(stage: Stage, tab: Tab) -> None:
    tab.sign_in(stage.url, ANN)
    tab.do("evaluate", "document.activeElement.blur()")
    tab.do("key", "Tab")
    assert tab.do("evaluate", "document.activeElement.textContent") == "Skip to content"
    tab.do("key", "Enter")
    assert tab.do("evaluate", "document.activeElement.id") == "main"
    tab.do("view", "#/calls")
    tab.do("see", "Calls")
    assert tab.do("evaluate", "document.title") == "Calls · backend-livekit"
    assert tab.do("evaluate", "document.activeElement.id") == "main"
