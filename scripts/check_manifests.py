"""Compares what is in deploy/ and the Dockerfile with each other: ports, limits, exposure.

``problems`` has a sentence for each disagreement; run as a script, it prints them.
"""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from dockerfile_parse import DockerfileParser

PROJECT = Path(__file__).resolve().parent.parent
API_VERSIONS = {
    "ConfigMap": "v1",
    "Deployment": "apps/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "Secret": "v1",
    "Service": "v1",
}
EGRESS = {
    "DNS (UDP)": ("UDP", 53),
    "DNS (TCP)": ("TCP", 53),
    "PostgreSQL": ("TCP", 5432),
    "LiveKit behind TLS": ("TCP", 443),
    "LiveKit": ("TCP", 7880),
    "OTLP": ("TCP", 4318),
}
UNIT = {
    "LimitCORE": "0",  # a core dump holds secrets and people's numbers
    "NoNewPrivileges": "yes",
    "DynamicUser": "yes",
    "PrivateTmp": "yes",
    "ProtectSystem": "strict",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
}
LOOPBACK = re.compile(r"(\$\{\w+:-)?(127\.0\.0\.1|\[::1\])\}?:")
EXPOSURE_LIMIT = 13
"""``systemd-analyze security``, in tenths: from 0, all is denied, to 100."""


def problems(project: Path = PROJECT) -> list[str]:
    """Return a sentence for each thing that does not agree; none if all is well."""
    deploy = project / "deploy"
    documents = [
        document
        for file in sorted((deploy / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
    ]
    port = exposed_port(project)
    unit = read_unit(deploy / "systemd" / "backend-livekit.service")
    compose = yaml.safe_load((deploy / "compose.yaml").read_text())
    pod_limit = "0"
    found = [*_kinds(documents)]
    if not found:
        by_kind = {document["kind"]: document for document in documents}
        (container,) = _pod(by_kind)["containers"]
        pod_limit = container["resources"].get("limits", {}).get("memory", "none")
        found += [*_kubernetes(by_kind, container, port)]
    return [*found, *_unit(unit, pod_limit), *_compose(compose, port, pod_limit)]


def exposed_port(project: Path) -> int:
    """Return the port that the image says it listens on."""
    steps = DockerfileParser(str(project)).structure
    (port,) = [step["value"] for step in steps if step["instruction"] == "EXPOSE"]
    return int(port)


def read_unit(file: Path) -> configparser.SectionProxy:
    """Return the unit's [Service] section."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(file)
    return parser["Service"]


def _kinds(documents: list[dict[str, Any]]) -> Iterator[str]:
    kinds = [document.get("kind") for document in documents]
    if sorted(map(str, kinds)) != sorted(API_VERSIONS):
        yield f"deploy/kubernetes has {sorted(map(str, kinds))}, not {sorted(API_VERSIONS)}."
    for document in documents:
        kind, version = document.get("kind"), document.get("apiVersion")
        if API_VERSIONS.get(str(kind)) != version:
            yield f"{kind} has apiVersion {version}."
        if not document.get("metadata", {}).get("name"):
            yield f"{kind} has no name."


def _kubernetes(documents: dict[str, Any], container: dict[str, Any], port: int) -> Iterator[str]:
    labels = documents["Deployment"]["spec"]["template"]["metadata"]["labels"]
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    configured = int(documents["ConfigMap"]["data"].get("PORT", 4000))
    if [*ports.values()] != [port] or configured != port:
        yield f"containerPort {ports}, PORT {configured} and the Dockerfile's EXPOSE {port} differ."
    for name, probe in container.items():
        if name.endswith("Probe") and probe["httpGet"]["port"] not in {*ports, *ports.values()}:
            yield f"{name} asks port {probe['httpGet']['port']}, which the container has not."
    service, policy = documents["Service"]["spec"], documents["NetworkPolicy"]["spec"]
    for entry in service["ports"]:
        if entry.get("targetPort") not in {*ports, *ports.values()}:
            yield f"The Service leads to port {entry.get('targetPort')}, which the pods have not."
    if service["selector"] != labels:
        yield "The Service is not about the Deployment's pods."
    if policy["podSelector"].get("matchLabels") != labels:
        yield "The NetworkPolicy is not about the Deployment's pods."
    yield from _policy(policy, ports)
    budget = documents["PodDisruptionBudget"]["spec"]
    if budget["selector"]["matchLabels"] != labels:
        yield "The PodDisruptionBudget is not about the Deployment's pods."
    if budget["minAvailable"] >= documents["Deployment"]["spec"]["replicas"]:
        yield "The PodDisruptionBudget lets no pod be moved."
    for resources in (container["resources"], *_resources(documents)):
        if "memory" not in resources.get("limits", {}):
            yield "A container has no memory limit."


def _policy(policy: dict[str, Any], ports: dict[str, int]) -> Iterator[str]:
    if sorted(policy.get("policyTypes", [])) != ["Egress", "Ingress"]:
        yield "The NetworkPolicy is not about both directions."
    taken = [entry for rule in policy.get("ingress", []) for entry in rule.get("ports", [{}])]
    if not taken or any(entry.get("port") not in {*ports, *ports.values()} for entry in taken):
        yield f"The NetworkPolicy lets in {taken}, not the container's ports {ports} alone."
    if any(not rule.get("ports") for rule in policy.get("egress", [])):
        yield "The NetworkPolicy lets pods reach every port."
    given = {
        (entry.get("protocol", "TCP"), entry.get("port"))
        for rule in policy.get("egress", [])
        for entry in rule.get("ports", [])
    }
    for name, needed in EGRESS.items():
        if needed not in given:
            yield f"The NetworkPolicy keeps pods from {name}, {needed[0]} {needed[1]}."


def _unit(unit: configparser.SectionProxy, pod_limit: str) -> Iterator[str]:
    for name, value in UNIT.items():
        if unit.get(name) != value:
            yield f"The unit's {name} is {unit.get(name)}, not {value or 'empty'}."
    if megabytes(unit.get("MemoryMax", "none")) not in {megabytes(pod_limit)} - {None}:
        yield f"The unit's MemoryMax is {unit.get('MemoryMax')}, the pods' limit {pod_limit}."


def _compose(compose: dict[str, Any], port: int, pod_limit: str) -> Iterator[str]:
    backend = compose["services"]["backend"]
    guarded = ":?" in str(backend["environment"].get("API_KEYS", ""))
    for published in backend.get("ports", []):
        if not guarded and not LOOPBACK.match(str(published)):
            yield f"compose publishes {published} on every interface without requiring API_KEYS."
        if not str(published).endswith(f":{port}"):
            yield f"compose publishes {published}, but the image listens on {port}."
    if compose["services"]["postgres"].get("ports"):
        yield "compose publishes PostgreSQL."
    if megabytes(str(backend.get("mem_limit", "none"))) not in {megabytes(pod_limit)} - {None}:
        yield f"compose's mem_limit is {backend.get('mem_limit')}, the pods' limit {pod_limit}."
    if backend.get("ulimits", {}).get("core") != 0:
        yield "compose lets the service dump its memory (ulimits: core)."


def megabytes(text: str) -> int | None:
    """Return ``320Mi``, ``320M`` (systemd) or ``320m`` (compose) as a number; None for no limit."""
    match = re.fullmatch(r"(\d+)(Mi|M|m)", text)
    return int(match[1]) if match else None


def _pod(documents: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = documents["Deployment"]["spec"]["template"]["spec"]
    return spec


def _resources(documents: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for container in _pod(documents)["initContainers"]:
        yield container["resources"]


def exposure_problems(file: Path) -> list[str]:
    """Ask systemd how much the unit in ``file`` could do if it were taken over."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
         f"--threshold={EXPOSURE_LIMIT}", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return []
    last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
    return [f"The unit may do more than {EXPOSURE_LIMIT / 10} of 10: {''.join(last)}"]


if __name__ == "__main__":
    disagreements = problems()
    print("\n".join(disagreements) or "deploy/ and the Dockerfile agree.")
    sys.exit(bool(disagreements))
