"""Agents and phone numbers are made and changed in the console, by the service's own rules."""

from __future__ import annotations

import httpx
import pytest

from tests.browser.console_stage import Stage, Tab
from tests.integration.access.two_tenants import as_

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_an_agent_is_made_changed_compared_rolled_back_and_deleted(stage: Stage, tab: Tab) -> None:
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", "#/agents/new")
    tab.do("fill", "Name", "Reception")
    tab.do("fill", "Prompt", "Hello {{who}}.")
    tab.do("press", "Create the agent")
    # The service refuses a variable that is not declared, and the form says where.
    tab.do("see", "who")
    focused = "document.activeElement.labels?.[0].textContent"
    assert tab.do("evaluate", focused) == "Prompt"
    tab.do("fill", "Variables (JSON)", '{"who": "there"}')
    tab.do("press", "Create the agent")
    tab.do("see", "Configuration of version 1")

    tab.do("follow", "Edit")
    tab.do("fill", "Prompt", "Good morning {{who}}.")
    tab.do("choose", "Realtime", "yes")
    tab.do("fill", "Further keys (JSON)", '{"engine": {"kind": "pipeline"}}')
    tab.do("press", "Save a new version")
    tab.do("see", "Configuration of version 2")
    [agent] = httpx.get(f"{stage.url}/agents", headers=as_(stage.admin)).json()["agents"]
    assert agent["agentConfig"] == {
        "prompt": "Good morning {{who}}.",
        "realtime": True,
        "engine": {"kind": "pipeline"},
    }
    assert agent["variables"] == {"who": "there"}

    tab.do("see", "Version 2 ·")  # what was open before is another version's
    tab.do("evaluate", "document.querySelectorAll('details').forEach(d => d.open = true)")
    tab.do("see", "What activating version 1 changes")
    tab.do("press", "Activate version 1")
    tab.do("see", "Configuration of version 1")

    tab.do("accept", "Delete this agent")
    tab.do("press", "Delete")
    tab.do("see", "There are no saved agents yet")
    tab.is_well()


def test_a_change_of_what_another_changed_meanwhile_is_refused(stage: Stage, tab: Tab) -> None:
    agent = stage.post("/agents", stage.admin, name="Shared")
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", f"#/agents/{agent['agentId']}/edit")
    tab.do("fill", "Name", "Mine")
    path = f"{stage.url}/agents/{agent['agentId']}"
    httpx.patch(path, json={"description": "Theirs"}, headers=as_(stage.admin))

    tab.do("press", "Save a new version")

    tab.do("see", "read the agent again")
    assert httpx.get(path, headers=as_(stage.admin)).json()["name"] == "Shared"
    assert tab.do("evaluate", "document.activeElement !== document.body")
    httpx.delete(path, headers=as_(stage.admin))


def test_a_number_is_added_changed_and_deleted(stage: Stage, tab: Tab) -> None:
    for name in ("Day", "Night"):
        stage.post("/agents", stage.admin, name=name)
    tab.sign_in(stage.url, stage.admin)
    tab.do("view", "#/phone-numbers/new")
    tab.do("fill", "Number", "12")
    tab.do("choose", "Agent ID", "Day")
    tab.do("press", "Add the number")
    tab.do("see", "E.164")
    tab.do("fill", "Number", "+1 510 555 0199")
    tab.do("fill", "URL", "https://example.com/calls")
    tab.do("press", "Add the number")
    tab.do("see", "whsec_")
    tab.do("follow", "Done")

    tab.do("follow", "+15105550199")
    tab.do("choose", "Agent ID", "Night")
    tab.do("fill", "URL", "")
    tab.do("press", "Save")
    tab.do("see", "its calls")
    [number] = httpx.get(f"{stage.url}/phone-numbers", headers=as_(stage.admin)).json()[
        "phoneNumbers"
    ]
    agents = httpx.get(f"{stage.url}/agents", headers=as_(stage.admin)).json()["agents"]
    night = next(each["agentId"] for each in agents if each["name"] == "Night")
    assert (number["agentId"], number["preCallWebhook"]) == (night, None)

    tab.do("follow", "+15105550199")
    tab.do("accept", "Delete +15105550199?")
    tab.do("press", "Delete")
    tab.do("see", "There are no phone numbers yet")
    tab.is_well()
