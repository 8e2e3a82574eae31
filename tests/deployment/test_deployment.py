"""What is in deploy/ and the Dockerfile fits the service as it is."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from entrypoints.http.server.draining import PATIENCE_SECONDS
from entrypoints.settings import load_settings
from entrypoints.version import VERSION
from tests.service import PROJECT

DEPLOY = PROJECT / "deploy"
EXAMPLE = (PROJECT / ".env.example").read_text()
KNOWN = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE))
PROBES = {"/health", "/health/ready"}
FILLED = {
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret-of-thirty-two-characters-",
    "POSTGRES_PASSWORD": "password",
}


def manifests() -> dict[str, dict[str, Any]]:
    found = {}
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            found[document["kind"]] = document
    return found


def compose(variables: Mapping[str, str] = FILLED) -> dict[str, Any]:
    """Return the compose file with ``variables`` and defaults in it, the innermost first."""

    def filled(match: re.Match[str]) -> str:
        name, default = match[1], match[2] or ""
        return variables.get(name, default.removeprefix(":-"))

    text, count = (DEPLOY / "compose.yaml").read_text(), 1
    while count:
        text, count = re.subn(r"\$\{(\w+)(:[-?][^${}]*)?\}", filled, text)
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def environ_of(service: Mapping[str, Any]) -> dict[str, str]:
    """Return a compose service's variables; one that is filled with nothing is blank."""
    return {name: str(value or "") for name, value in service["environment"].items()}


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / "systemd" / "backend-livekit.service")
    return parser


def environment() -> list[str]:
    """What the unit sets, each ``NAME=value``."""
    text = (DEPLOY / "systemd" / "backend-livekit.service").read_text()
    return re.findall(r"^Environment=(.+)$", text, re.MULTILINE)


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = manifests()["Deployment"]["spec"]["template"]["spec"]
    return spec


# Docker -------------------------------------------------------------------------------------------


def test_the_image_has_all_of_the_code_and_nothing_else() -> None:
    copied = {
        step["value"].split()[0]
        for step in DockerfileParser(str(PROJECT)).structure
        if step["instruction"] == "COPY" and "--from" not in step["value"]
    }
    shown = {line[1:] for line in (PROJECT / ".dockerignore").read_text().split() if line[0] == "!"}

    assert copied == shown
    assert copied == {
        "requirements/run.txt", "domain", "application", "adapters", "entrypoints", "alembic",
        "console",
    }  # fmt: skip
    assert all((PROJECT / path).exists() for path in copied)


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    steps = {
        step["instruction"]: step["value"] for step in DockerfileParser(str(PROJECT)).structure
    }

    assert steps["USER"] == "10001"
    assert "/health" in steps["HEALTHCHECK"]
    assert steps["STOPSIGNAL"] == "SIGTERM"
    # The form without a shell: signals reach the process.
    assert json.loads(steps["CMD"]) == ["backend", "serve"]
    assert len(DockerfileParser(str(PROJECT)).parent_images) == 3


def test_the_image_has_the_command_that_messages_and_documents_name(tmp_path: Path) -> None:
    steps = DockerfileParser(str(PROJECT)).structure
    (install,) = [step["value"] for step in steps if "/opt/venv/bin/backend" in step["value"]]
    making = install[install.index("printf") :].replace("/opt/venv/bin", str(tmp_path))

    subprocess.run(["/bin/sh", "-ec", making], check=True)

    path = f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        [str(tmp_path / "backend"), "version"],
        check=True, cwd=PROJECT, env={"PATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == VERSION


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"  # a wheel's

    done = subprocess.run(
        [str(hadolint), str(PROJECT / "Dockerfile")], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, "")


# Compose ------------------------------------------------------------------------------------------


def test_compose_s_service_gets_settings_that_it_takes() -> None:
    services = compose()["services"]
    for name in ("migrate", "backend"):
        environ = environ_of(services[name])
        assert set(environ) <= KNOWN
        settings = load_settings(environ, Path("/none"))
        assert settings.telephony_enabled
        assert settings.storage == "postgresql"


def test_compose_s_services_wait_for_what_they_need() -> None:
    services = compose()["services"]

    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["backend"]["depends_on"]["migrate"]["condition"] == (
        "service_completed_successfully"
    )
    assert services["migrate"]["command"] == ["backend", "migrate"]
    assert services["postgres"]["healthcheck"]["test"][0] == "CMD-SHELL"
    assert int(services["backend"]["stop_grace_period"].rstrip("s")) > PATIENCE_SECONDS


def test_compose_s_livekit_sends_its_webhooks_to_the_service_and_signs_them_with_its_key() -> None:
    services = compose()["services"]
    config = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    environ = services["backend"]["environment"]

    assert config["webhook"]["urls"] == ["http://backend:4000/telephony/livekit-webhook"]
    assert config["keys"] == {environ["LIVEKIT_API_KEY"]: environ["LIVEKIT_API_SECRET"]}
    assert config["webhook"]["api_key"] == environ["LIVEKIT_API_KEY"]
    assert environ["LIVEKIT_URL"] == f"ws://livekit:{config['port']}"
    server = (PROJECT / "scripts" / "install_livekit.sh").read_text()
    assert services["livekit"]["image"].rpartition(":")[2] in server  # the version that is tested


def test_compose_s_clients_get_an_address_that_is_published() -> None:
    services = compose()["services"]
    config = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    tcp, udp = config["rtc"]["tcp_port"], config["rtc"]["udp_port"]

    assert services["livekit"]["ports"] == [
        f"{config['port']}:{config['port']}", f"{tcp}:{tcp}", f"{udp}:{udp}/udp",
    ]  # fmt: skip
    assert config["rtc"]["node_ip"] == "127.0.0.1"
    assert services["backend"]["environment"]["LIVEKIT_PUBLIC_URL"] == "ws://127.0.0.1:7880"


@pytest.mark.parametrize(
    ("variables", "node_ip", "public_url"),
    [
        ({"LIVEKIT_NODE_IP": "192.0.2.7"}, "192.0.2.7", "ws://192.0.2.7:7880"),
        (
            {"LIVEKIT_NODE_IP": "192.0.2.7", "LIVEKIT_PUBLIC_URL": "wss://livekit.example.com"},
            "192.0.2.7", "wss://livekit.example.com",
        ),
    ],
)  # fmt: skip
def test_given_another_address_then_compose_s_clients_get_that(
    variables: dict[str, str], node_ip: str, public_url: str
) -> None:
    services = compose({**FILLED, **variables})["services"]
    config = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    environ = environ_of(services["backend"])

    assert config["rtc"]["node_ip"] == node_ip
    assert load_settings(environ, Path("/none")).livekit_public_url == public_url
    assert environ["LIVEKIT_URL"] == "ws://livekit:7880"


def test_compose_s_secrets_are_made_once_and_survive_the_next_start(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)
    file = tmp_path / ".env"
    file.write_text("LIVEKIT_NODE_IP=192.0.2.7")  # without a line's end
    required = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))

    def variables() -> dict[str, str]:
        subprocess.run(["sh", "secrets.sh"], cwd=tmp_path, check=True, capture_output=True)
        return dict(line.split("=", 1) for line in file.read_text().splitlines())

    made = variables()

    assert set(made) == {"LIVEKIT_NODE_IP", *required}
    assert made["LIVEKIT_NODE_IP"] == "192.0.2.7"
    assert all(len(made[name]) == 64 for name in required)
    assert len({made[name] for name in required}) == len(required)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert variables() == made


# Kubernetes ---------------------------------------------------------------------------------------


def test_every_variable_of_the_manifests_is_one_of_the_service_s() -> None:
    given = {**manifests()["ConfigMap"]["data"], **manifests()["Secret"]["stringData"]}

    assert set(given) <= KNOWN
    filled = {**given, **{name: value for name, value in FILLED.items() if name in given}}
    settings = load_settings(filled, Path("/none"))
    assert settings.storage == "postgresql"  # replicas share it


def test_the_probes_ask_routes_that_there_are_and_wait_for_their_answers() -> None:
    (container,) = pod()["containers"]

    paths = {name: container[name]["httpGet"]["path"] for name in container if "Probe" in name}
    assert paths == {
        "startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/health/ready",
    }  # fmt: skip
    assert set(paths.values()) == PROBES
    # A database or a LiveKit that hangs must not kill a process that lives.
    assert paths["livenessProbe"] != "/health/ready"
    assert container["ports"] == [{"name": "http", "containerPort": 4000}]


def test_a_pod_has_the_time_that_stopping_takes() -> None:
    delay = float(manifests()["ConfigMap"]["data"]["SHUTDOWN_DELAY_SECONDS"])

    assert pod()["terminationGracePeriodSeconds"] > delay + PATIENCE_SECONDS


def test_pods_are_confined_and_migrate_first() -> None:
    spec = pod()

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert str(spec["securityContext"]["runAsUser"]) == "10001"  # the Dockerfile's
    for container in (*spec["initContainers"], *spec["containers"]):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} <= set(container["resources"])
    assert spec["initContainers"][0]["command"] == ["backend", "migrate"]


def test_service_and_disruption_budget_are_about_these_pods() -> None:
    found = manifests()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]

    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert (
        found["PodDisruptionBudget"]["spec"]["minAvailable"]
        < found["Deployment"]["spec"]["replicas"]
    )
    assert found["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


# systemd ------------------------------------------------------------------------------------------


def test_the_unit_gives_the_service_what_it_needs_and_little_else() -> None:
    service = unit()["Service"]

    assert service["ExecStart"] == "/opt/backend-livekit/bin/backend serve"
    assert int(service["TimeoutStopSec"]) > PATIENCE_SECONDS
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"
    given = dict(line.split("=", 1) for line in environment())
    assert set(given) <= KNOWN
    assert f"/var/lib/{service['StateDirectory']}/" in given["DATABASE_URL"]
    assert given["HOST"] == "127.0.0.1"  # TLS and the limits of addresses are the proxy's
    assert int(service["LimitNOFILE"]) > 10_000
    assert service["LimitCORE"] == "0"
    assert service["MemoryMax"] == "320M"


# Documents ----------------------------------------------------------------------------------------


def test_every_alert_is_explained() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    document = (PROJECT / "docs" / "operations.md").read_text()

    assert set(re.findall(r"^\| `(Backend\w+)` ", document, re.MULTILINE)) == alerts


def test_every_variable_of_the_example_is_in_the_readme() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert [name for name in sorted(KNOWN) if f"`{name}`" not in readme] == []
