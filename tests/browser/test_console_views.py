"""Every view of the console in light and dark, on a screen and on a phone; and its pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.browser import console_history
from tests.browser.chromium import Browser
from tests.browser.console_reports import a_conversation, a_voice, moment
from tests.browser.console_stage import Stage, Tab, opened, staged
from tests.browser.console_views import VIEWS, View
from tests.integration.access.two_tenants import as_
from tests.integration.http.webhooks import eventually
from tests.service import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SCREEN: Final = (1280, 900)
PHONE: Final = (390, 844)
IMAGES: Final = PROJECT / "docs" / "images"
ASKED: Final = "CONSOLE_SCREENSHOTS"
BEGINNING: Final = """(heading) => (
  [...document.querySelectorAll("h2")].find((each) => each.textContent === heading) ?? document.body
).scrollIntoView()"""
LARGEST: Final = 100_000
"""Bytes of a picture."""


def furnish(stage: Stage) -> dict[str, str]:
    """Let there be one of everything; return the ids that the views' addresses name."""
    config = {
        "prompt": "You are the receptionist of Acme.\nThe caller is {{customer_name}}.",
        "greeting": "Hello {{customer_name}}, how can I help you?",
        "tools": ["find_slot", "book_slot"],
        "engine": {"kind": "pipeline"},
    }
    fields = {"name": "Reception", "variables": {"customer_name": "a customer"}}
    agent = stage.post("/agents", stage.admin, **fields, agentConfig=config)
    stage.post(
        "/phone-numbers", stage.admin, number="+15105550199", agentId=agent["agentId"],
        preCallWebhook={"url": "https://example.com/calls"},
    )  # fmt: skip
    session = stage.post("/session", stage.admin, userIdentity="ann", roomName="support-7")
    caller = stage.call("support-7", "+15105550177")
    found = eventually(
        lambda: httpx.get(
            f"{stage.url}/telephony/calls/by-room/support-7", headers=as_(stage.admin)
        ),
        lambda answer: answer.status_code == 200,
    )
    stage.send(caller.left())
    return {
        "agent": agent["agentId"],
        "number": "%2B15105550199",
        "session": session["sessionId"],
        "call": found.json()["callId"],
    }


@pytest.fixture(scope="module")
def ids(stage: Stage) -> dict[str, str]:
    return furnish(stage)


@pytest.fixture(scope="module")
def signed_in(browser: Browser, stage: Stage, ids: dict[str, str]) -> Iterator[Tab]:
    with opened(browser) as tab:
        tab.sign_in(stage.url, stage.admin)
        yield tab


def look(tab: Tab) -> dict[str, object]:
    """Return what axe finds in light and dark, and whether the page is wider than the screen."""
    found: dict[str, object] = {}
    for name, size in (("screen", SCREEN), ("phone", PHONE)):
        tab.do("size", *size)
        for scheme in ("light", "dark"):
            tab.do("media", scheme)
            tab.do("evaluate", "new Promise((done) => setTimeout(done, 200))")
            found[f"{name}, {scheme}"] = tab.do("axe")
        wide = tab.do("evaluate", "document.documentElement.scrollWidth - innerWidth")
        found[f"{name} is too narrow by"] = max(0, wide)
    tab.do("size", *SCREEN)
    return {name: problem for name, problem in found.items() if problem}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_axe_finds_nothing_serious_in_a_view(
    signed_in: Tab, ids: dict[str, str], view: View
) -> None:
    signed_in.do("view", "#/elsewhere")
    signed_in.do("see", "There is no such view")
    signed_in.do("view", view.address(ids))
    signed_in.do("see", view.shows)
    signed_in.do("gone", "Loading")
    assert look(signed_in) == {}
    assert signed_in.do("evaluate", "document.activeElement.id") == "main"
    signed_in.is_well()


def test_axe_finds_nothing_serious_where_one_signs_in(stage: Stage, tab: Tab) -> None:
    tab.do("open", f"{stage.url}/console")
    tab.do("see", "Sign in with an API key")
    assert look(tab) == {}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_keyboard_reaches_every_action_and_the_focus_is_seen(
    signed_in: Tab, ids: dict[str, str], view: View
) -> None:
    signed_in.do("view", view.address(ids))
    signed_in.do("see", view.shows)
    signed_in.do("gone", "Loading")
    assert signed_in.do("unreached") == []


@pytest.fixture(scope="module")
def pictured(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tab, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("pictures")
    prices = str(PROJECT / "deploy" / "prices.example.yaml")
    with staged(folder, console_history.fill, PRICES_FILE=prices) as stage:
        ids = furnish(stage)
        began = moment(stage.get(f"/sessions/{ids['session']}")["createdAt"])
        stage.report(ids["session"], a_conversation(began), a_voice(30))
        for number in range(6):
            body = {"userIdentity": f"user-{number}", "roomName": f"visit-{number}"}
            stage.post("/session", stage.admin, **body)
        with opened(browser) as tab:
            tab.sign_in(stage.url, stage.admin)
            yield tab, ids


@pytest.mark.parametrize("view", [view for view in VIEWS if view.pictured], ids=lambda v: v.name)
def test_the_docs_have_a_picture_of_a_view(
    pictured: tuple[Tab, dict[str, str]], view: View, tmp_path: Path
) -> None:
    """Only `make screenshots` keeps the new ones: times and order are those of the day."""
    tab, ids = pictured
    folder = IMAGES if ASKED in os.environ else tmp_path
    tab.do("media", "light")
    for suffix, size in (("", SCREEN), ("-phone", PHONE)):
        tab.do("size", *size)
        tab.do("view", view.address(ids))
        tab.do("see", view.shows)
        tab.do("evaluate", "new Promise((done) => setTimeout(done, 1500))")
        tab.do("evaluate", f"({BEGINNING})({view.begins_at!r})")
        name = f"console-{view.name}{suffix}.webp"
        tab.do("screenshot", str(folder / name))
        assert (folder / name).stat().st_size < LARGEST
        assert (IMAGES / name).exists()
