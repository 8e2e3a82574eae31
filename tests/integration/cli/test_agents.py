"""``backend agents …`` on the database of a running service."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import pytest

from tests.integration.cli.backend import Backend


@pytest.fixture
def name() -> str:
    return f"agent-{uuid.uuid4()}"


@pytest.fixture
def file(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "agents.yaml"
    path.write_text(
        f"name: {name}\nagentConfig:\n  prompt: |-\n    Help {{{{city}}}}.\n    Grüezi.\n"
        f"variables: {{city: Bern}}\n---\nname: {name}-2\n",
        encoding="utf-8",
    )
    return path


def test_what_is_applied_is_served_and_applying_again_changes_nothing(
    backend: Backend, url: str, file: Path, name: str
) -> None:
    first = backend.lines("agents", "apply", "-f", str(file))
    again = backend.lines("agents", "apply", "-f", str(file))
    agent = json.loads(backend.lines("agents", "show", name, "--json")[0])

    assert first == [f"{name}: created, version 1", f"{name}-2: created, version 1"]
    assert again == [f"{name}: unchanged, version 1", f"{name}-2: unchanged, version 1"]
    assert httpx.get(f"{url}/agents/{agent['agentId']}").json() == agent
    started = httpx.post(
        f"{url}/session", json={"userIdentity": "ann", "agentId": agent["agentId"]}, timeout=30
    ).json()
    session = httpx.get(f"{url}/sessions/{started['sessionId']}").json()
    assert session["agentConfig"]["prompt"] == "Help Bern.\nGrüezi."


def test_what_is_exported_can_be_applied(
    backend: Backend, file: Path, name: str, tmp_path: Path
) -> None:
    backend.lines("agents", "apply", "-f", str(file))
    exported = tmp_path / "exported.yaml"
    exported.write_text(backend("agents", "export", name, f"{name}-2").output, encoding="utf-8")
    everything = tmp_path / "everything.yaml"
    everything.write_text(backend("agents", "export").output, encoding="utf-8")

    for path in (exported, everything):
        lines = backend.lines("agents", "apply", "-f", str(path))
        assert lines
        assert all(": unchanged, version " in line for line in lines)
    exported.write_text(exported.read_text().replace("Grüezi", "Hoi"), encoding="utf-8")
    changed = backend.lines("agents", "apply", "-f", str(exported))
    assert changed == [f"{name}: changed, version 2", f"{name}-2: unchanged, version 1"]


def test_a_version_is_activated_and_an_agent_deleted(
    backend: Backend, file: Path, name: str
) -> None:
    backend.lines("agents", "apply", "-f", str(file))
    file.write_text(f"name: {name}\n", encoding="utf-8")
    backend.lines("agents", "apply", "-f", str(file))

    assert backend.lines("agents", "activate", name, "1") == [f"{name}: version 1 is active."]
    rows = [line.split("\t")[:2] for line in backend.lines("agents", "versions", name)]
    assert rows == [["2", "false"], ["1", "true"]]
    assert backend.lines("agents", "delete", name)[0].endswith(" is deleted.")
    assert backend("agents", "show", name).code == 1


def test_given_one_bad_agent_in_a_file_then_nothing_of_it_is_applied(
    backend: Backend, file: Path, name: str
) -> None:
    file.write_text(f"name: {name}\n---\nname: {name}-2\nagentConfig: []\n", encoding="utf-8")

    result = backend("agents", "apply", "-f", str(file))

    assert (result.code, result.sentence) == (
        1, f"{file}, agent 2: agentConfig must be an object."
    )  # fmt: skip
    assert backend("agents", "show", name).code == 1


def test_a_file_that_is_no_text_is_refused(backend: Backend, file: Path) -> None:
    file.write_bytes(b"name: \xff\n")

    assert backend("agents", "apply", "-f", str(file)).sentence == f"{file} is not UTF-8 text."


def test_agents_of_a_tenant_are_its_own(backend: Backend, file: Path, name: str) -> None:
    backend.lines("agents", "apply", "-f", str(file), "--tenant", name)

    assert backend("agents", "show", name).code == 1
    shown = backend.lines("agents", "show", name, "--tenant", name)
    assert f"name\t{name}" in shown
    assert name in "".join(backend.lines("agents", "export", "--tenant", name))
    assert name not in backend("agents", "export").output
